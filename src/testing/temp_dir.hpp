// A directory for one test.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/scratch.hpp"

namespace loam::testing {

class TempDir {
 public:
  const std::filesystem::path& path() const { return directory_.path(); }
  std::filesystem::path operator/(std::string_view name) const { return path() / name; }

 private:
  ScratchDirectory directory_ = ScratchDirectory::make().value();
};

}  // namespace loam::testing
