#include "base/file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "testing/temp_dir.hpp"

namespace loam {
namespace {

TEST(File, AtomicWriteReplacesAndSetsTheMode) {
  const testing::TempDir dir;
  const auto path = dir / "deep/secret";
  ASSERT_TRUE(write_file_atomic(path, "one", 0644));
  ASSERT_TRUE(write_file_atomic(path, "two", 0600));
  EXPECT_EQ(read_file(path), "two");
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path.parent_path()), {}), 1)
      << "nothing is left beside it";
}

TEST(File, ReadStopsAtTheLimit) {
  const testing::TempDir dir;
  ASSERT_TRUE(write_file_atomic(dir / "big", std::string(100'000, 'x')));
  const auto refused = read_file(dir / "big", 1000);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("larger than 1000 bytes"), std::string::npos);
}

TEST(File, AnIdenticalFileIsLeftAlone) {
  const testing::TempDir dir;
  EXPECT_EQ(write_file_if_changed(dir / "f", "x"), true);
  EXPECT_EQ(write_file_if_changed(dir / "f", "x"), false);
}

TEST(File, ErrorsNameTheFile) {
  const auto missing = read_file("/nonexistent/file");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().text(), "/nonexistent/file: No such file or directory");
  EXPECT_EQ(missing.error().code(), ENOENT);
  EXPECT_EQ(read_if_there("/nonexistent/file").value(), std::nullopt);
  EXPECT_FALSE(read_if_there("/proc/self/mem").has_value()) << "what is there and cannot be read is no missing file";
}

}  // namespace
}  // namespace loam
