// The root of an installed node: the slot on the disk that the firmware booted.
#include <sys/mount.h>

#include <chrono>
#include <filesystem>
#include <format>
#include <optional>

#include "boot.hpp"
#include "slots/release.hpp"
#include "sys/efi.hpp"
#include "sys/udev.hpp"

namespace loam::boot {

namespace {

Result<std::vector<slots::FoundPartition>> partitions() {
  LOAM_TRY(const auto devices, sys::block_devices());
  std::vector<slots::FoundPartition> found;
  for (const auto& device : devices)
    if (device.is_partition())
      found.push_back({.node = device.node(),
                       .disk = device.disk_node(),
                       .uuid = device.property("ID_PART_ENTRY_UUID"),
                       .type = device.property("ID_PART_ENTRY_TYPE")});
  return found;
}

// Partitions of one disk appear one after the other: those that the root does not need get a while too, before they
// count as missing.
class Patience {
 public:
  Result<void> check(const slots::BootDisk& disk) {
    const auto now = Clock::now();
    if (!since_) since_ = now;
    const bool whole = !disk.esp.empty() && !disk.loam.empty() && !disk.state.empty();
    if (whole || now - *since_ > std::chrono::seconds(30)) return {};
    return fail(std::format("{} shows its root but not yet its {} partition", disk.disk,
                            disk.loam.empty()    ? "loam"
                            : disk.state.empty() ? "state"
                                                 : "EFI system"));
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::optional<Clock::time_point> since_;
};

}  // namespace

// systemd mounts it early, if the module was there by then. Without it the firmware's word on the boot disk is lost.
Result<void> mount_efi_variables() {
  const std::string path = "/sys/firmware/efi/efivars";
  if (!std::filesystem::exists(path) || !std::filesystem::is_empty(path)) return {};
  return mount("efivarfs", path, "efivarfs", MS_NOSUID | MS_NODEV | MS_NOEXEC);
}

Result<void> installed_root(const std::string& root_hash, slots::BootFacts& facts) {
  LOAM_TRY(const auto digest, slots::parse_digest(root_hash));
  LOAM_TRY(const auto loader_uuid, sys::read_efi_text("LoaderDevicePartUUID", sys::loader_vendor));
  Patience patience;
  return retry_on_devices(std::chrono::minutes(3), [&]() -> Result<void> {
    LOAM_TRY(const auto found, partitions());
    LOAM_TRY(facts.disk, slots::find_boot_disk(found, loader_uuid, digest));
    LOAM_CHECK(patience.check(facts.disk));
    return mount_root(facts.disk.root, facts.disk.verity, root_hash);
  });
}

}  // namespace loam::boot
