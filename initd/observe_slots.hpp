// The slots of the disk that this node runs from, as they are now.
#pragma once

#include <vector>

#include "base/error.hpp"
#include "slots/boot_facts.hpp"
#include "slots/slot_view.hpp"

namespace loam::node {

Result<std::vector<slots::SlotView>> observe_slots(const slots::BootFacts& boot);

}  // namespace loam::node
