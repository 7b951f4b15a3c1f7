// Disks and slots as JSON: the same on D-Bus and in loamctl --json.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "diskmgr/disk.hpp"
#include "slots/boot_facts.hpp"

namespace loam::node {

std::string disks_json(const std::vector<diskmgr::Disk>& disks);
Result<std::string> slots_json(const slots::BootFacts& boot);

}  // namespace loam::node
