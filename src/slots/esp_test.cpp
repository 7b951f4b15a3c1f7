#include "slots/esp.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "testing/temp_dir.hpp"

namespace loam::slots {
namespace {

// A file system at an offset in a file, as in a disk image.
class EspInAFile : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(disk_).put('\0');
    std::filesystem::resize_file(disk_, offset + bytes);
    std::ofstream(source_) << text;
    ASSERT_FALSE(esp_.formatted());
    ASSERT_TRUE(esp_.format("10a00001"));
    ASSERT_TRUE(esp_.formatted());
    ASSERT_TRUE(esp_.make_directory("/EFI"));
  }

  static constexpr std::uint64_t offset = 1U << 20U;
  static constexpr std::uint64_t bytes = 300U << 20U;
  static constexpr std::string_view text = "these are the words of a boot loader";
  testing::TempDir dir_;
  std::filesystem::path disk_ = dir_ / "disk";
  std::filesystem::path source_ = dir_ / "source";
  Esp esp_{disk_, {.offset = offset, .bytes = bytes}, 512};
};

TEST_F(EspInAFile, KeepsWhatIsPutThere) {
  ASSERT_TRUE(esp_.put(source_, "/EFI/loam-1.2.3+3.efi"));
  const auto again = esp_.put(source_, "/EFI/loam-1.2.3+3.efi");
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(esp_.list("/EFI").value(), std::vector<std::string>{"loam-1.2.3+3.efi"});
  EXPECT_TRUE(esp_.list("/none").value().empty());
  ASSERT_TRUE(esp_.put_text("words", "/EFI/some-words"));
  EXPECT_EQ(esp_.read_text("/EFI/some-words").value(), "words");
  EXPECT_EQ(esp_.read_text("/EFI/other-words").value(), "");
  EXPECT_TRUE(esp_.check_copy(source_, "::/EFI/loam-1.2.3+3.efi"));
}

TEST_F(EspInAFile, ADiskThatChangesAByteIsFound) {
  ASSERT_TRUE(esp_.put(source_, "/EFI/loam-1.2.3+3.efi"));
  std::ostringstream all;
  all << std::ifstream(disk_).rdbuf();
  const auto at = all.str().find(text);
  ASSERT_NE(at, std::string::npos);
  std::fstream(disk_, std::ios::in | std::ios::out).seekp(static_cast<std::streamoff>(at)).put('T');
  const auto checked = esp_.check_copy(source_, "::/EFI/loam-1.2.3+3.efi");
  ASSERT_FALSE(checked);
  EXPECT_TRUE(checked.error().message().contains("reads back otherwise"));
}

}  // namespace
}  // namespace loam::slots
