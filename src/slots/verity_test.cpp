// Trees are made by veritysetup itself, so that our reader is held against the real thing.
#include "slots/verity.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <span>

#include "base/file.hpp"
#include "base/text.hpp"
#include "slots/transfer.hpp"
#include "sys/subprocess.hpp"
#include "testing/temp_dir.hpp"

namespace loam::slots {
namespace {

struct Made {
  Digest root;
  std::vector<std::byte> area;
};

std::string random_data(std::uint64_t blocks) {
  std::string data(blocks * block_size, '\0');
  std::mt19937 random(7);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same in every run
  for (auto& c : data) c = static_cast<char>(random());
  return data;
}

// What a disk held before.
std::string other_data() {
  std::string data;
  data.resize(9'000'000, 'x');
  return data;
}

ReadArea area_of(std::vector<std::byte> area) {
  return [area = std::move(area)](std::uint64_t offset, std::span<std::byte> bytes) -> Result<void> {
    if (offset > area.size() || bytes.size() > area.size() - offset) return fail("cut off");
    std::ranges::copy(std::span(area).subspan(offset, bytes.size()), bytes.begin());
    return {};
  };
}

class Verity : public ::testing::Test {
 protected:
  Made make(std::uint64_t blocks) {
    EXPECT_TRUE(write_file_atomic(dir_ / "data", random_data(blocks)));
    const auto made = sys::run({"veritysetup", "format", "--data-block-size=4096", "--hash-block-size=4096",
                                "--salt=0123456789abcdef", (dir_ / "data").string(), (dir_ / "hash").string()});
    EXPECT_TRUE(made) << made.error().text();
    const auto at = made->out.find("Root hash:");
    const auto root =
        parse_digest(trim(std::string_view(made->out).substr(at + 10).substr(0, made->out.find('\n', at) - at - 10)));
    EXPECT_TRUE(root);
    const auto text = read_file(dir_ / "hash");
    const auto bytes = std::as_bytes(std::span(*text));
    return {*root, {bytes.begin(), bytes.end()}};
  }

  testing::TempDir dir_;
};

TEST_F(Verity, ReadsWhatVeritysetupMakes) {
  for (const std::uint64_t blocks : {1U, 2U, 128U, 129U, 300U, 16384U, 16385U}) {
    auto made = make(blocks);
    EXPECT_EQ(made.area.size(), hash_area_bytes(blocks)) << blocks;
    auto tree = VerityTree::load(area_of(made.area), made.root);
    ASSERT_TRUE(tree) << blocks << ": " << tree.error().text();
    EXPECT_EQ(tree->data_blocks(), blocks);
    EXPECT_TRUE(verify({dir_ / "data", 0}, *tree, [](const Progress&) {})) << blocks;
  }
}

TEST_F(Verity, EveryDamagedBlockIsFound) {
  const auto made = make(300);
  auto tree = VerityTree::load(area_of(made.area), made.root);
  ASSERT_TRUE(tree);
  const auto good = *read_file(dir_ / "data");
  for (const std::size_t at : {std::size_t{0}, std::size_t{128} * block_size + 17, good.size() - 1}) {
    auto bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    ASSERT_TRUE(write_file_atomic(dir_ / "data", bad));
    const auto verified = verify({dir_ / "data", 0}, *tree, [](const Progress&) {});
    ASSERT_FALSE(verified);
    EXPECT_NE(verified.error().message().find("block " + std::to_string(at / block_size) + " "), std::string::npos)
        << verified.error().message();
  }
}

TEST_F(Verity, ATreeThatDoesNotMatchItsRootIsRefused) {
  const auto made = make(300);
  for (std::size_t at = block_size; at < made.area.size(); at += block_size / 2) {
    auto bad = made.area;
    bad[at] ^= std::byte{1};
    EXPECT_FALSE(VerityTree::load(area_of(bad), made.root)) << at;
  }
  auto cut = made.area;
  cut.pop_back();
  EXPECT_FALSE(VerityTree::load(area_of(cut), made.root));
}

TEST_F(Verity, LeavesInAnyOrder) {
  const auto made = make(300);
  auto tree = VerityTree::load(area_of(made.area), made.root);
  ASSERT_TRUE(tree);
  const auto data = *read_file(dir_ / "data");
  SaltedSha256 hash(tree->salt());
  for (const std::uint64_t index : {299U, 0U, 128U, 127U, 256U})
    EXPECT_EQ(tree->leaf(index).value(), hash(std::as_bytes(std::span(data)).subspan(index * block_size, block_size)));
}

TEST_F(Verity, ATreeThatChangesLaterIsNoticed) {
  const auto made = make(300);
  const auto area = std::make_shared<std::vector<std::byte>>(made.area);
  auto tree = VerityTree::load([area](auto offset, auto bytes) { return area_of(*area)(offset, bytes); }, made.root);
  ASSERT_TRUE(tree);
  area->at(2 * block_size + 5) ^= std::byte{1};  // superblock, level above, leaves
  EXPECT_FALSE(tree->leaf(0));
  EXPECT_TRUE(tree->leaf(200));
}

TEST_F(Verity, CopiesItsArea) {
  const auto made = make(300);
  const auto tree = VerityTree::load(area_of(made.area), made.root);
  const auto fd = open_file(dir_ / "copy", O_RDWR | O_CREAT, 0600);
  ASSERT_TRUE(tree->copy_to(fd->get(), 4096));
  const auto copy = *read_file(dir_ / "copy");
  EXPECT_TRUE(std::ranges::equal(std::as_bytes(std::span(copy)).subspan(4096), made.area));
}

TEST(VeritySuperblock, RefusesWhatItDoesNotKnow) {
  EXPECT_FALSE(parse_superblock({}));
  EXPECT_FALSE(parse_superblock(std::vector<std::byte>(512)));
}

TEST_F(Verity, FillCopiesOnlyWhatMatches) {
  const auto made = make(2000);
  auto tree = VerityTree::load(area_of(made.area), made.root);
  ASSERT_TRUE(write_file_atomic(dir_ / "target", other_data()));
  const auto first = fill({dir_ / "data", 0}, {dir_ / "target", 4096}, *tree, {}, [](const Progress&) {});
  ASSERT_TRUE(first) << first.error().text();
  EXPECT_EQ(first->written, 2000 * block_size);
  EXPECT_EQ(read_file(dir_ / "target")->substr(4096, 2000 * block_size), *read_file(dir_ / "data"));

  const auto second =
      fill({dir_ / "data", 0}, {dir_ / "target", 4096}, *tree, {.skip_identical = true}, [](const Progress&) {});
  ASSERT_TRUE(second);
  EXPECT_EQ(second->written, 0U) << "what was right already is left alone";

  auto bad = *read_file(dir_ / "data");
  bad[1500 * block_size] = static_cast<char>(bad[1500 * block_size] ^ 1);
  ASSERT_TRUE(write_file_atomic(dir_ / "data", bad));
  ASSERT_TRUE(write_file_atomic(dir_ / "target", other_data()));
  EXPECT_FALSE(fill({dir_ / "data", 0}, {dir_ / "target", 4096}, *tree, {}, [](const Progress&) {}));
  EXPECT_EQ(read_file(dir_ / "target")->substr(4096 + 1500 * block_size, 4096), std::string(4096, 'x'))
      << "an unverified block was written";
}

TEST_F(Verity, ASourceThatEndsEarlyIsSaid) {
  const auto made = make(2000);
  auto tree = VerityTree::load(area_of(made.area), made.root);
  std::filesystem::resize_file(dir_ / "data", 1000 * block_size);
  ASSERT_TRUE(write_file_atomic(dir_ / "target", other_data()));
  const auto filled = fill({dir_ / "data", 0}, {dir_ / "target", 0}, *tree, {}, [](const Progress&) {});
  ASSERT_FALSE(filled);
  EXPECT_NE(filled.error().text().find("the medium is damaged"), std::string::npos) << filled.error().text();
}

}  // namespace
}  // namespace loam::slots
