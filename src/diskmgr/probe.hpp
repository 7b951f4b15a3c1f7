// Looks at what is on a disk or image, and changes nothing. Reads the disk: one that dies can block the caller for
// minutes.
#pragma once

#include <string>

#include "base/error.hpp"
#include "diskmgr/content.hpp"

namespace loam::diskmgr {

// Every signature that blkid knows, in partitions too; what Ceph has there; and "data of an unknown kind" where there
// is none of them and the ends, or samples in between, are not zero.
Result<Content> probe_content(const std::string& path);

// The same of an open disk. path: for messages.
Result<Content> probe_content(int fd, const std::string& path);

}  // namespace loam::diskmgr
