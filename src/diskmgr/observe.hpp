// The disks of this machine, from udev and blkid.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "diskmgr/disk.hpp"

namespace loam::diskmgr {

// All whole disks with their identity, by id. Asks udev and sysfs only, so a dying disk does not hold it up; `content`
// stays empty and `unread` says so.
Result<std::vector<Facts>> enumerate();

// What is on a disk or image: every signature that blkid knows, with label and offset, and "data" when it knows none
// but the ends are not zero. Empty: blank. Reads the disk: one that dies can block the caller for minutes.
Result<std::vector<std::string>> probe_content(const std::string& path);

}  // namespace loam::diskmgr
