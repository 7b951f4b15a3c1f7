#include "slots/block_hasher.hpp"

#include <gtest/gtest.h>

#include <array>

#include "slots/verity.hpp"

namespace loam::slots {
namespace {

TEST(BlockHasher, GivesWhatOneHashGivesForEachBlock) {
  const std::array<std::byte, 3> salt{std::byte{1}, std::byte{2}, std::byte{3}};
  SaltedSha256 one(salt);
  BlockHasher many(salt);
  // Fewer than are worth a thread, an odd number over several, and none.
  for (const std::size_t blocks : {1U, 31U, 64U, 257U, 0U}) {
    std::vector<std::byte> data(blocks * block_size);
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i * 7 + i / block_size);
    const auto digests = many(data);
    ASSERT_EQ(digests.size(), blocks);
    for (std::size_t i = 0; i < blocks; ++i)
      EXPECT_EQ(digests[i], one(std::span(data).subspan(i * block_size, block_size))) << i << " of " << blocks;
  }
}

}  // namespace
}  // namespace loam::slots
