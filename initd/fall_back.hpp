// What follows when the health gate did not pass: another slot, if there is one.
#pragma once

#include "base/error.hpp"

namespace loam::node {

// Reboots if another release than the running one can boot; the boot counter then leads to it. Without one the node
// stays up, so that somebody can look at it, and this says so.
Result<void> fall_back();

}  // namespace loam::node
