// The steps of loam-boot, the program of the initrd.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "slots/boot_facts.hpp"
#include "slots/unclean_starts.hpp"

namespace loam::boot {

// A line for the person in front of the machine, on every console and in the log.
void say(std::string_view text);

// Value of a kernel argument, empty if it is not there; "1" for one without value.
std::string kernel_argument(std::string_view cmdline, std::string_view name);

Result<void> mount(const std::string& source, const std::string& target, const std::string& type, unsigned long flags,
                   const std::string& options = {});

// Opens the verity device and mounts it on /sysroot.
Result<void> mount_root(const std::string& data, const std::string& hashes, const std::string& root_hash);

// Calls `attempt` at first and after each change of a block device until it works or the time is over; the last
// error is then the result. Says every ten seconds what it waits for.
Result<void> retry_on_devices(std::chrono::seconds limit, const std::function<Result<void>()>& attempt);

// The firmware's word on what was booted is read through it.
Result<void> mount_efi_variables();

// Finds the disk that was booted, or the medium, mounts its release on /sysroot and fills `facts`.
Result<void> installed_root(const std::string& root_hash, slots::BootFacts& facts);
Result<void> live_root(const std::string& root_hash, slots::BootFacts& facts);

// /loam, /var and /etc of the mounted root. What cannot be mounted becomes a problem in `facts`.
Result<void> mount_state(slots::BootFacts& facts);

// root: of the release that is mounted. A release that runs again after a newer one gets back the loam.yaml that it
// last used; the newer one's is kept for it.
Result<void> follow_release(const std::filesystem::path& root);

// Which boot menu comes next because starts of a release that had proven itself ended within a quarter of an hour
// without being shut down. loam-boots.service takes the count back.
Result<slots::BootMenu> count_boot(const std::filesystem::path& root);

// The same for starts that do not come as far as that: the root cannot be read, or the kernel ends. Counted in a
// variable of the firmware's, since nothing is mounted. The second call takes the count back.
Result<slots::BootMenu> count_early_start();
Result<void> forget_early_starts();

// Shows the menu at the next start, for a person who is to choose a slot.
Result<void> ask_for_menu(slots::BootMenu menu);

// Leaves a file for systemd where a release is on trial and another could be started: loam-fall-back-blind.service.
Result<void> note_trial(const std::filesystem::path& root);

}  // namespace loam::boot
