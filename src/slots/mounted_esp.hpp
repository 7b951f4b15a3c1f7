// The EFI system partition where the kernel has it mounted.
#pragma once

#include <utility>

#include "slots/esp_files.hpp"

namespace loam::slots {

// On a node.
inline constexpr const char* esp_mount_point = "/efi";

class MountedEsp : public EspFiles {
 public:
  explicit MountedEsp(std::filesystem::path root) : root_(std::move(root)) {}
  // An error where no FAT file system is mounted: an empty directory must not pass for an ESP without releases.
  static Result<MountedEsp> mounted_at(const std::filesystem::path& root = esp_mount_point);

  Result<void> put(const std::filesystem::path& from, const std::string& to) const override;
  Result<void> put_text(const std::string& text, const std::string& to) const override;
  Result<std::string> read_text(const std::string& path) const override;
  Result<void> copy_out(const std::string& path, const std::filesystem::path& to) const override;
  Result<std::vector<std::string>> list(const std::string& directory) const override;
  Result<void> remove(const std::string& path) const override;
  Result<void> rename(const std::string& from, const std::string& to) const override;
  Result<std::uint64_t> size(const std::string& path) const override;
  Result<std::uint64_t> free_bytes() const override;
  Result<UniqueFd> lock(std::chrono::seconds limit) const override;
  // SHA-256 of what is on the disk, not of what is in memory.
  Result<std::string> digest(const std::string& path) const;

 private:
  std::filesystem::path at(const std::string& path) const { return root_ / path.substr(1); }
  Result<void> sync() const;

  std::filesystem::path root_;
};

}  // namespace loam::slots
