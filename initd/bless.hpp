// loamctl slots bless: the release that runs has proven itself. In place of systemd-bless-boot(8), which renames its
// UKI: the kernel's vfat writes the new name without the file behind it first, and a power cut right then leaves a node
// with one slot without anything to start (seen in a replay of such writes, Linux 6.12).
#pragma once

#include <string>

#include "base/error.hpp"

namespace loam::node {

// What was done, for people.
Result<std::string> bless();

}  // namespace loam::node
