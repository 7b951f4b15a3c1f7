#include "media_handoff.hpp"

#include <format>
#include <iostream>
#include <optional>

#include "base/text.hpp"
#include "slots/layout.hpp"
#include "sys/efi.hpp"
#include "sys/subprocess.hpp"

namespace loam::node {

namespace {

constexpr std::string_view handoff_variable = "LoamMediaHandoff";
constexpr std::string_view entry_label = "Loam";

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

Result<std::string> make_entry(const std::string& disk_node) {
  LOAM_CHECK(sys::run({"efibootmgr", "--quiet", "--create", "--disk", disk_node, "--part",
                       std::to_string(slots::number(slots::Part::esp)), "--loader",
                       "\\EFI\\systemd\\systemd-bootx64.efi", "--label", std::string(entry_label)}));
  LOAM_TRY(const auto made, entry_number());
  if (!made) return fail("the firmware did not keep the boot entry");
  return *made;
}

// An entry of an earlier installation may point at a disk that is gone: always a new one.
Result<std::string> renew_entry(const std::string& disk_node) {
  LOAM_TRY(const auto old, entry_number());
  if (old) LOAM_CHECK(sys::run({"efibootmgr", "--quiet", "--delete-bootnum", "--bootnum", *old}));
  return make_entry(disk_node);
}

Result<void> boot_disk_next(const std::string& disk_node) {
  LOAM_TRY(const auto number, renew_entry(disk_node));
  LOAM_CHECK(sys::run({"efibootmgr", "--quiet", "--bootnext", number}));
  LOAM_CHECK(sys::write_efi_variable(handoff_variable, sys::loam_vendor, "1"));
  LOAM_CHECK(sys::run({"systemctl", "--no-block", "reboot"}));
  return {};
}

}  // namespace

Result<void> add_boot_entry(const std::string& disk_node) {
  LOAM_CHECK(forget_handoff());
  LOAM_CHECK(renew_entry(disk_node));
  return {};
}

void hand_off_to_disk(const std::string& disk_node, sys::EventLoop& loop, sys::EventSource& timer,
                      const std::function<void(const std::string&)>& say) {
  const auto handed = sys::read_efi_variable(handoff_variable, sys::loam_vendor);
  if (!handed || *handed) {
    say("the machine came back to this medium after it was sent to the disk: the disk does not boot; look at it from "
        "here");
    return;
  }
  say("booting from the disk in 10 seconds; remove the medium");
  auto started = loop.after(std::chrono::seconds(10), [disk_node, say] {
    if (auto done = boot_disk_next(disk_node); !done) say("cannot boot from the disk: " + done.error().text());
  });
  if (started) timer = *std::move(started);
}

Result<void> forget_handoff() { return sys::remove_efi_variable(handoff_variable, sys::loam_vendor); }

}  // namespace loam::node
