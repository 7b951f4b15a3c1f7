// Which kernel modules stand between the machine and a disk.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace loam::diskmgr {

// Loaded modules of the drivers from the disk up to its bus, as sysfs links them; what is built into the kernel is left
// out. `node`: "/dev/sda"; `sys`: where sysfs is.
std::vector<std::string> disk_modules(const std::string& node, const std::filesystem::path& sys = "/sys");

// Those that are not among the lines of `listed`.
std::vector<std::string> modules_not_in(const std::vector<std::string>& modules, std::string_view listed);

}  // namespace loam::diskmgr
