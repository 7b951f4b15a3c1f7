// What a UKI and a root have in common: the modules of the initrd, which are packed already and lie in both as they
// are.
#pragma once

#include <filesystem>
#include <vector>

#include "base/error.hpp"
#include "slots/manifest.hpp"

namespace loam::slots {

// Stretches of the UKI that begin as a block of the root does and go on as it does for two blocks or more. In order;
// none overlaps another.
Result<std::vector<RootCopy>> find_copies(const std::filesystem::path& uki, const std::filesystem::path& root);

}  // namespace loam::slots
