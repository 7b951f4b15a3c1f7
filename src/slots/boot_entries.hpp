// The unified kernel images on the EFI system partition, and what their names say about tries.
// Format: https://uapi-group.org/specifications/specs/boot_loader_specification/#boot-counting
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace loam::slots {

struct BootEntry {
  std::string version;
  std::optional<int> tries_left;  // none: blessed, it has proven itself
  int tries_done = 0;
  bool can_boot() const { return !tries_left || *tries_left > 0; }
  // Put back on purpose; systemd-boot starts it when nothing else can be.
  bool retired() const { return tries_left == 0 && tries_done == 0; }
  bool operator==(const BootEntry&) const = default;
};

// "loam-1.2.3+2-1.efi"; nothing for files that are none of ours.
std::optional<BootEntry> parse_boot_entry(std::string_view file_name);

// True if systemd-boot starts this one when the release that runs has used up its tries: among those without tries it
// takes the newest.
bool takes_over(const BootEntry& entry, std::string_view running);

// Those among the names in EFI/Linux that are ours, newest first; of one version the blessed one first.
std::vector<BootEntry> boot_entries(const std::vector<std::string>& file_names);

}  // namespace loam::slots
