// A release: a directory with loam-<version>.json, its signature .json.sig, and .efi (UKI), .boot.efi (systemd-boot),
// .root (EROFS) and .verity.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "slots/manifest.hpp"
#include "slots/verity.hpp"

namespace loam::slots {

class Release {
 public:
  // The one release in the directory, whoever made it. Only for who knows by other means that it is good, as the initrd
  // does by the root hash that it was started with; see signed_release.hpp. More than one, or none, is an error.
  static Result<Release> open_unsigned(const std::filesystem::path& directory);

  Release(std::filesystem::path directory, Manifest manifest)
      : directory_(std::move(directory)), manifest_(std::move(manifest)) {}

  const Manifest& manifest() const { return manifest_; }
  std::filesystem::path file(std::string_view suffix) const;
  std::uint64_t size(std::string_view suffix) const { return manifest_.files.at(std::string(suffix)).size; }
  // Sizes of all files, and the digests of those whose blocks the verity tree does not have.
  Result<void> check_files() const;
  Result<VerityTree> load_tree() const;

 private:
  std::filesystem::path directory_;
  Manifest manifest_;
};

// The path of the one manifest in a directory.
Result<std::filesystem::path> find_manifest(const std::filesystem::path& directory);

// UUIDs of the partitions that hold a release: the first 128 bits of the root hash for data, the last for verity.
std::string data_partition_uuid(const Digest& root);
std::string verity_partition_uuid(const Digest& root);

}  // namespace loam::slots
