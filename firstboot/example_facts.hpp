// What loamd says of two machines, for the tests of the pages.
#pragma once

#include "dashboard.hpp"

namespace loam::console::example {

// A node that is well: a bond of two cards, a system disk, two OSDs, a disk with somebody's data.
Facts running_node();
// Booted from a medium: three cards of which two have a cable, a blank flash disk, one with data, two hard disks.
Facts blank_machine();

}  // namespace loam::console::example
