#include "slots/block_io.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/scratch.hpp"

namespace loam::slots {
namespace {

// A file that ends early, as a disk whose last blocks cannot be read.
class BlockReaderOverBadBlocks : public ::testing::Test {
 protected:
  static constexpr std::uint64_t good = 1003;
  static constexpr std::uint64_t all = 1040;

  void SetUp() override {
    auto made = ScratchFile::make();
    ASSERT_TRUE(made) << made.error().text();
    file_.emplace(*std::move(made));
    std::string content(good * block_size, 'x');
    for (std::uint64_t i = 0; i < good; ++i) content[i * block_size] = static_cast<char>(i % 251);
    ASSERT_TRUE(write_file_atomic(file_->path(), content));
  }
  Result<BlockReader> reader() const { return BlockReader::open({.path = file_->path(), .offset = 0}, all); }

  std::optional<ScratchFile> file_;
};

TEST_F(BlockReaderOverBadBlocks, AllGoodOnesAreReadInOrder) {
  auto in = reader();
  ASSERT_TRUE(in) << in.error().text();
  for (std::uint64_t i = 0; i < all; ++i) {
    const auto block = in->get(i);
    ASSERT_EQ(block.has_value(), i < good) << i;
    if (block) {
      EXPECT_EQ(static_cast<char>((*block)[0]), static_cast<char>(i % 251)) << i;
    }
  }
}

TEST_F(BlockReaderOverBadBlocks, AllGoodOnesAreReadAtRandom) {
  auto in = reader();
  ASSERT_TRUE(in) << in.error().text();
  for (std::uint64_t n = 0; n < all; ++n) {
    const auto i = n * 7 % all;
    const auto block = in->get(i);
    ASSERT_EQ(block.has_value(), i < good) << i;
    if (block) {
      EXPECT_EQ(static_cast<char>((*block)[0]), static_cast<char>(i % 251)) << i;
    }
  }
}

}  // namespace
}  // namespace loam::slots
