// The unified kernel images on the EFI system partition, and what their names say about tries.
// Format: https://uapi-group.org/specifications/specs/boot_loader_specification/#boot-counting
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace loam::slots {

// Where systemd-boot looks for them on a running node.
inline constexpr std::string_view boot_entries_path = "/efi/EFI/Linux";

struct BootEntry {
  std::string version;
  std::optional<int> tries_left;  // none: blessed, it has proven itself
  bool can_boot() const { return !tries_left || *tries_left > 0; }
  bool operator==(const BootEntry&) const = default;
};

// "loam-1.2.3+2-1.efi"; nothing for files that are none of ours.
std::optional<BootEntry> parse_boot_entry(std::string_view file_name);

std::vector<BootEntry> read_boot_entries(const std::filesystem::path& directory);

}  // namespace loam::slots
