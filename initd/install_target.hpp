// The disk that loam-install is to write to: claimed, proven to be the right one, and looked at.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "slots/install_plan.hpp"

namespace loam::node {

// The disk under an exclusive lock: nobody has it mounted, and other installers stay away as long as this is held.
Result<UniqueFd> claim_disk(const std::string& path);

// An error if the claimed disk is not the one with this identity, or if an installed system could not find it. An empty
// id, as for image files, asks for nothing.
Result<void> check_disk(const std::string& path, const std::string& id);

// sector_size is that of image files; disks know their own.
Result<slots::InstallTarget> observe_disk(const UniqueFd& claimed, const std::string& path, const std::string& id,
                                          std::uint32_t sector_size, bool wipe_consented);

}  // namespace loam::node
