// A release: a directory with loam-<version>.json, .efi (UKI), .boot.efi (systemd-boot), .root (EROFS) and .verity.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "slots/verity.hpp"

namespace loam::slots {

struct ReleaseFile {
  std::uint64_t size = 0;
  std::string sha256;  // lower-case hexadecimal
};

struct Manifest {
  std::string version;  // digits and dots, sorted by systemd-boot as a version
  Digest root_hash{};
  std::map<std::string, ReleaseFile> files;  // by suffix: "efi", "boot.efi", "root", "verity"
};

// Format 1; unknown members are ignored, missing ones are errors.
Result<Manifest> parse_manifest(std::string_view json);

class Release {
 public:
  // The one release in the directory. More than one, or none, is an error.
  static Result<Release> open(const std::filesystem::path& directory);

  const Manifest& manifest() const { return manifest_; }
  std::filesystem::path file(std::string_view suffix) const;
  std::uint64_t size(std::string_view suffix) const { return manifest_.files.at(std::string(suffix)).size; }
  // Sizes of all files, and the digests of those that the verity tree does not cover.
  Result<void> check_files() const;
  Result<VerityTree> load_tree() const;

 private:
  Release(std::filesystem::path directory, Manifest manifest)
      : directory_(std::move(directory)), manifest_(std::move(manifest)) {}

  std::filesystem::path directory_;
  Manifest manifest_;
};

// UUIDs of the partitions that hold a release: the first 128 bits of the root hash for data, the last for verity.
std::string data_partition_uuid(const Digest& root);
std::string verity_partition_uuid(const Digest& root);

}  // namespace loam::slots
