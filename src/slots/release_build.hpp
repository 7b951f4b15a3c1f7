// Makes the manifest of a release out of its files.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "slots/manifest.hpp"

namespace loam::slots {

// What the files do not say.
struct ReleaseWords {
  std::string version;
  std::string kernel;
  std::string kubernetes;
  std::vector<int> config_versions;
  std::string upgrade_from;
  std::string floor;
  std::set<std::string> revoked;
};

// directory: with loam-<version>.efi, .boot.efi, .root and .verity. Every block of the root is held against the tree.
Result<Manifest> describe_release(const std::filesystem::path& directory, const ReleaseWords& words);

// The parts of a UKI with their digests.
Result<std::vector<UkiSection>> describe_uki(const std::filesystem::path& path);

}  // namespace loam::slots
