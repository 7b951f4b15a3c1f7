// The disks of this machine, from udev and blkid.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "diskmgr/disk.hpp"

namespace loam::diskmgr {

// All whole disks with what is on them. `os_node`: device node of the disk that this node booted from, or empty.
Result<std::vector<Disk>> observe(const std::string& os_node);

// All whole disks with their identity, without looking at what is on them.
Result<std::vector<Facts>> enumerate();

// What is on a disk or image: every signature that blkid knows, with label and offset, and "data" when it knows none
// but the ends are not zero. Empty: blank.
Result<std::vector<std::string>> probe_content(const std::string& path);

}  // namespace loam::diskmgr
