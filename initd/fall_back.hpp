// What follows when the health gate did not pass: another slot, if there is one.
#pragma once

#include <string>

#include "base/error.hpp"

namespace loam::node {

// Reboots if the running release is on trial and another one can boot; the boot counter then leads to it. Else the node
// stays up, so that somebody can look at it. What was decided and why, in words.
Result<std::string> fall_back();

}  // namespace loam::node
