// A directory for one test.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace loam::testing {

class TempDir {
 public:
  TempDir() {
    std::string path = std::filesystem::temp_directory_path() / "loam-test-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) std::abort();
    path_ = path;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace loam::testing
