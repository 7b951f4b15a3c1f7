#include "media_handoff.hpp"

#include <format>
#include <iostream>
#include <optional>

#include "base/text.hpp"
#include "slots/layout.hpp"
#include "sys/efi.hpp"
#include "sys/subprocess.hpp"
#include "sys/udev.hpp"

namespace loam::node {

namespace {

constexpr std::string_view handoff_variable = "LoamMediaHandoff";
constexpr std::string_view entry_label = "Loam";

struct InstalledDisk {
  std::string node;
  int esp_number = 0;
};

// The disk with our loam partition; by its final name, so that a half-made one does not count.
Result<InstalledDisk> installed_disk() {
  LOAM_TRY(const auto devices, sys::block_devices());
  for (const auto& device : devices) {
    if (device.is_partition() && device.property("ID_PART_ENTRY_TYPE") == slots::kind(slots::Part::loam).type)
      return InstalledDisk{device.disk_node(), slots::number(slots::Part::esp)};
  }
  return fail("no disk with an installed Loam was found");
}

// Number of our entry in the firmware's list, such as 0003.
Result<std::optional<std::string>> entry_number() {
  LOAM_TRY(const auto listed, sys::run({"efibootmgr"}));
  for (const auto line : split(listed.out, '\n')) {
    if (!line.starts_with("Boot") || line.size() < 10) continue;
    auto label = line.substr(line.find(' ') + 1);
    label = label.substr(0, label.find('\t'));
    if (trim(label) == entry_label) return std::optional(std::string(line.substr(4, 4)));
  }
  return std::optional<std::string>{};
}

Result<std::string> make_entry() {
  LOAM_TRY(const auto disk, installed_disk());
  LOAM_CHECK(
      sys::run({"efibootmgr", "--quiet", "--create", "--disk", disk.node, "--part", std::to_string(disk.esp_number),
                "--loader", "\\EFI\\systemd\\systemd-bootx64.efi", "--label", std::string(entry_label)}));
  LOAM_TRY(const auto made, entry_number());
  if (!made) return fail("the firmware did not keep the boot entry");
  return *made;
}

// An entry of an earlier installation may point at a disk that is gone: always a new one.
Result<std::string> renew_entry() {
  LOAM_TRY(const auto old, entry_number());
  if (old) LOAM_CHECK(sys::run({"efibootmgr", "--quiet", "--delete-bootnum", "--bootnum", *old}));
  return make_entry();
}

Result<void> boot_disk_next() {
  LOAM_TRY(const auto number, renew_entry());
  LOAM_CHECK(sys::run({"efibootmgr", "--quiet", "--bootnext", number}));
  LOAM_CHECK(sys::write_efi_variable(handoff_variable, sys::loam_vendor, "1"));
  LOAM_CHECK(sys::run({"systemctl", "--no-block", "reboot"}));
  return {};
}

}  // namespace

Result<void> add_boot_entry() {
  LOAM_CHECK(forget_handoff());
  LOAM_CHECK(renew_entry());
  return {};
}

void hand_off_to_disk(sys::EventLoop& loop, sys::EventSource& timer,
                      const std::function<void(const std::string&)>& say) {
  const auto handed = sys::read_efi_variable(handoff_variable, sys::loam_vendor);
  if (!handed || *handed) {
    say("the machine came back to this medium after it was sent to the disk: the disk does not boot; look at it from "
        "here");
    return;
  }
  say("booting from the disk in 10 seconds; remove the medium");
  auto started = loop.after(std::chrono::seconds(10), [say] {
    if (auto done = boot_disk_next(); !done) say("cannot boot from the disk: " + done.error().text());
  });
  if (started) timer = *std::move(started);
}

Result<void> forget_handoff() { return sys::remove_efi_variable(handoff_variable, sys::loam_vendor); }

}  // namespace loam::node
