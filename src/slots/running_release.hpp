// The release that this program runs in. Its image says what it is: the same programs may be in several releases.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace loam::slots {

inline constexpr std::string_view release_facts_path = "/usr/lib/loam/release.json";

struct RunningRelease {
  std::string version = LOAM_VERSION;  // of what was compiled, where there is no image
  std::string kubernetes;              // empty: it carries none
  std::vector<int> config_versions;    // of loam.yaml that it understands
};

// Made when the image is built; members as in a manifest.
Result<RunningRelease> parse_running_release(std::string_view json);
// A file that is missing is no image.
Result<RunningRelease> running_release(const std::filesystem::path& path = release_facts_path);
// The version alone, also where the file cannot be read.
std::string running_version();

}  // namespace loam::slots
