// Disks and slots as JSON: the same on D-Bus and in loamctl --json.
#pragma once

#include <map>
#include <string>

#include "base/error.hpp"
#include "diskmgr/disk_book.hpp"
#include "slots/boot_facts.hpp"

namespace loam::node {

// failed: by id, why a disk could not be claimed or erased.
std::string disks_json(const diskmgr::DiskBook& book, const diskmgr::Ledger& ledger,
                       const std::map<std::string, std::string>& failed);
Result<std::string> slots_json(const slots::BootFacts& boot);

}  // namespace loam::node
