// The disks of this machine, from udev and sysfs.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "diskmgr/disk.hpp"
#include "sys/udev.hpp"

namespace loam::diskmgr {

// Partitions, loop devices, optical drives, mapped and memory devices are no disks. name: of the kernel, "sda".
bool is_disk_name(std::string_view name);

// All whole disks. Asks udev and sysfs only, so a dying disk does not hold it up; `content` stays empty and `unread`
// says so. DiskTable tells which is which.
Result<std::vector<Facts>> enumerate();

// One of them; none if the device is no whole disk.
std::optional<Facts> observe(const sys::BlockDevice& device);

}  // namespace loam::diskmgr
