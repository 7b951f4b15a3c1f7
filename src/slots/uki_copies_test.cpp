#include "slots/uki_copies.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/file.hpp"
#include "slots/uki_fetch.hpp"
#include "testing/temp_dir.hpp"

namespace loam::slots {
namespace {

std::string random_text(std::size_t bytes, unsigned seed) {
  std::mt19937 generator(seed);
  std::string text(bytes, '\0');
  for (auto& letter : text) letter = static_cast<char>(generator());
  return text;
}

// Two modules of which the root has one as it is, and of the other the beginning only.
TEST(UkiCopies, StretchesThatBothHave) {
  testing::TempDir dir;
  const auto one = random_text(10'000, 1);
  const auto other = random_text(12'288, 2);
  const std::string root = std::string(4096, '\0') + one + std::string(12'288 - one.size(), '\0') +
                           other.substr(0, 9000) + std::string(12'288 - 9000, 'x');
  const auto uki = random_text(1004, 3) + one + random_text(600, 4) + other + std::string(8192, '\0');
  ASSERT_TRUE(write_file_atomic(dir / "root", root));
  ASSERT_TRUE(write_file_atomic(dir / "uki", uki));
  const auto copies = find_copies(dir / "uki", dir / "root");
  ASSERT_TRUE(copies) << copies.error().text();
  const std::vector<RootCopy> expected = {{1004, 4096, 10'000}, {11'604, 16'384, 9000}};
  EXPECT_EQ(*copies, expected);
}

TEST(UkiCopies, LittleIsNotWorthIt) {
  testing::TempDir dir;
  ASSERT_TRUE(write_file_atomic(dir / "root", random_text(4096, 1)));
  ASSERT_TRUE(write_file_atomic(dir / "uki", random_text(4096, 1)));
  EXPECT_TRUE(find_copies(dir / "uki", dir / "root").value().empty());
}

TEST(UkiCopies, PiecesOfASection) {
  const std::vector<RootCopy> in_root = {{0, 1000, 50}, {90, 2000, 20}, {150, 3000, 10}, {190, 4000, 100}};
  const auto pieces = pieces_of({.name = ".initrd", .offset = 100, .bytes = 100, .sha256 = {}}, in_root);
  const std::vector<RootCopy> copied = {{100, 2010, 10}, {150, 3000, 10}, {190, 4000, 10}};
  EXPECT_EQ(pieces.copied, copied);
  ASSERT_EQ(pieces.fetched.size(), 2U);
  EXPECT_EQ(pieces.fetched[0].offset, 110U);
  EXPECT_EQ(pieces.fetched[0].bytes, 40U);
  EXPECT_EQ(pieces.fetched[1].offset, 160U);
  EXPECT_EQ(pieces.fetched[1].bytes, 30U);
}

}  // namespace
}  // namespace loam::slots
