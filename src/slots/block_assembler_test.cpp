#include "slots/block_assembler.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace loam::slots {
namespace {

TEST(BlockAssembler, MakesWholeBlocksOfPiecesInAnyOrder) {
  constexpr std::size_t blocks = 37;
  std::mt19937 random(20261126);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same pieces each time
  std::vector<std::byte> data(blocks * block_size);
  for (auto& byte : data) byte = static_cast<std::byte>(random());
  for (int round = 0; round < 200; ++round) {
    std::vector<std::pair<std::size_t, std::size_t>> pieces;  // offset, bytes
    for (std::size_t at = 0; at < data.size();) {
      const auto some = std::min<std::size_t>(data.size() - at, 1 + random() % (round % 2 == 0 ? 3000 : 40'000));
      pieces.emplace_back(at, some);
      at += some;
    }
    std::ranges::shuffle(pieces, random);
    std::vector<std::byte> seen(data.size());
    std::size_t taken = 0;
    BlockAssembler assembler([&](std::uint64_t index, std::span<const std::byte> some) -> Result<void> {
      EXPECT_EQ(some.size() % block_size, 0U);
      std::ranges::copy(some, seen.begin() + static_cast<std::ptrdiff_t>(index * block_size));
      taken += some.size();
      return {};
    });
    for (const auto& [at, some] : pieces) ASSERT_TRUE(assembler.put(at, std::span(data).subspan(at, some)));
    EXPECT_EQ(taken, data.size());
    EXPECT_EQ(seen, data);
  }
}

TEST(BlockAssembler, EndsWithTheFirstError) {
  BlockAssembler assembler([](std::uint64_t, std::span<const std::byte>) -> Result<void> { return fail("wrong"); });
  const std::vector<std::byte> data(block_size + 100);
  EXPECT_FALSE(assembler.put(0, data));
  EXPECT_TRUE(assembler.put(5, std::span(data).first(100))) << "not whole yet";
}

}  // namespace
}  // namespace loam::slots
