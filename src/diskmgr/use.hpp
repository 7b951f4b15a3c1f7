// Whether something on this node uses a disk.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.hpp"

namespace loam::diskmgr {

// "mounted on /var, held by dm-0 (vg-data)": mounts, swap, and what is stacked on the disk or a partition of it. Empty:
// nothing that the kernel tells. root: where /sys and /proc are.
std::string used_by(const std::string& node, const std::filesystem::path& root = "/");

// True if a program holds the disk, or a partition of it, open for itself alone. Holds it so for an instant.
Result<bool> held_exclusively(const std::string& node);

}  // namespace loam::diskmgr
