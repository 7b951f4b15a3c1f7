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

// What is on a disk or image: every signature that blkid knows, labels of Ceph OSDs, and "data of an unknown kind"
// where there is none of them and the ends are not zero. Reads the disk: one that dies can block the caller for
// minutes.
Result<Content> probe_content(const std::string& path);

}  // namespace loam::diskmgr
