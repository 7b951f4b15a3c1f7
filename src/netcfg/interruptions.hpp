// What a change of the network takes away while it is made, for people who must decide about it. Pure.
#pragma once

#include <string>
#include <vector>

#include "model/config.hpp"

namespace loam::netcfg {

// Both with their NICs pinned. Sentences such as "bond0 is made anew: what goes over it stops for some seconds".
std::vector<std::string> interruptions(const model::Config& before, const model::Config& after);

}  // namespace loam::netcfg
