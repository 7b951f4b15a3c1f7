// Where a disk sits, for the hand that pulls it.
#pragma once

#include <filesystem>
#include <string>

namespace loam::diskmgr {

// "Slot 03 of enclosure 0x500304801f..." as SES says it, "PCI slot 12" of an NVMe disk; empty where nothing says it.
// node: "/dev/sda"; sys: where sysfs is.
std::string slot_of(const std::string& node, const std::filesystem::path& sys = "/sys");

}  // namespace loam::diskmgr
