// What keeps media that were left in a machine from being booted for ever: firmware boot entries.
#pragma once

#include <functional>
#include <string>

#include "base/error.hpp"
#include "sys/event_loop.hpp"

namespace loam::node {

// A firmware boot entry "Loam" for the installed disk, first in the boot order. disk_node: the whole disk.
Result<void> add_boot_entry(const std::string& disk_node);

// The medium was booted though the disk is installed: reboots into the disk, once. If the machine then comes back to
// the medium, the disk does not boot, and it stays here; `say` is told which.
void hand_off_to_disk(const std::string& disk_node, sys::EventLoop& loop, sys::EventSource& timer,
                      const std::function<void(const std::string&)>& say);

// The disk was booted: the next visit of the medium may hand off again.
Result<void> forget_handoff();

}  // namespace loam::node
