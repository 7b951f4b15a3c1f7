// What is written to: the loam partition, the state partition and /etc. A node without them still comes up, with the
// reason, so that somebody can look at it.
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <format>

#include "base/file.hpp"
#include "boot.hpp"
#include "sys/subprocess.hpp"

namespace loam::boot {

namespace fs = std::filesystem;

namespace {

// Repairs what can be repaired without a question; e2fsck exits with 1 when it did.
Result<void> check_file_system(const std::string& node) {
  auto checked =
      sys::run({"e2fsck", "-p", node}, {.timeout = std::chrono::minutes(30), .input = {}, .environment = {}});
  if (checked || checked.error().message().contains("exited with 1:")) return {};
  return std::unexpected(std::move(checked).error().remedy(
      std::format("the disk may be dying; e2fsck {} from this console repairs what can be repaired", node)));
}

Result<void> mount_ext4(const std::string& node, const std::string& target, std::string_view what) {
  if (node.empty())
    return fail(std::format("the OS disk has no {} partition", what), "install again, or put the right disk back");
  LOAM_CHECK(check_file_system(node));
  return mount(node, target, "ext4", MS_NOSUID | MS_NODEV);
}

Result<void> in_memory(const std::string& target) {
  return mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755");
}

Result<void> mount_or_memory(const std::string& node, const std::string& target, std::string_view what,
                             slots::BootFacts& facts) {
  if (facts.live) return in_memory(target);
  auto mounted = mount_ext4(node, target, what);
  if (mounted) return {};
  facts.problems.push_back(std::format("the {} partition cannot be used: {}", what, mounted.error().text()));
  return in_memory(target);
}

Result<void> overlay_etc() {
  LOAM_CHECK(mount("tmpfs", "/run/loam/etc", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=64M"));
  fs::create_directories("/run/loam/etc/upper");
  fs::create_directories("/run/loam/etc/work");
  return mount("overlay", "/sysroot/etc", "overlay", MS_NOSUID | MS_NODEV,
               "lowerdir=/sysroot/etc,upperdir=/run/loam/etc/upper,workdir=/run/loam/etc/work");
}

// The node's own from the loam partition; a live system, or one without, is somebody else after each boot.
Result<void> set_machine_id() {
  auto id = read_file("/sysroot/loam/machine-id", 64);
  if (!id) {
    LOAM_TRY(id, random_uuid());
    std::erase(*id, '-');
  }
  return write_file_atomic("/sysroot/etc/machine-id", *id, 0444);
}

// "/dev/sda1" is "dev-sda1" in the names of units (systemd.unit(5)); names of disks have nothing else to be escaped.
std::string unit_name(const std::string& node) {
  auto name = node.substr(1);
  std::ranges::replace(name, '/', '-');
  return name;
}

// systemd's own names for what it will find mounted; bless-boot and bootctl look for the ESP here.
Result<void> write_esp_mount(const slots::BootFacts& facts) {
  if (facts.live || facts.disk.esp.empty()) return {};
  const auto unit = std::format(
      "[Unit]\nDescription=EFI system partition of the boot disk\n"
      // FAT has no journal: what a power cut left is mended before it is mounted. It is mounted even if that fails.
      "Wants=systemd-fsck@{1}.service\nAfter=systemd-fsck@{1}.service\n\n"
      "[Mount]\nWhat={0}\nWhere=/efi\nType=vfat\nOptions=umask=0077,nosuid,nodev,noexec\n",
      facts.disk.esp, unit_name(facts.disk.esp));
  LOAM_CHECK(write_file_atomic("/run/systemd/system/efi.mount", unit));
  std::error_code problem;
  fs::create_directories("/run/systemd/system/local-fs.target.wants", problem);
  fs::create_symlink("../efi.mount", "/run/systemd/system/local-fs.target.wants/efi.mount", problem);
  return {};
}

}  // namespace

Result<void> mount_state(slots::BootFacts& facts) {
  LOAM_CHECK(mount_or_memory(facts.disk.loam, "/sysroot/loam", "loam", facts));
  facts.keeps = facts.problems.empty();
  LOAM_CHECK(mount_or_memory(facts.disk.state, "/sysroot/var", "state", facts));
  LOAM_CHECK(overlay_etc());
  LOAM_CHECK(set_machine_id());
  return write_esp_mount(facts);
}

}  // namespace loam::boot
