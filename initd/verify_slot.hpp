// loamctl slots verify: re-reads whole slots against their trees.
#pragma once

#include "base/error.hpp"

namespace loam::node {

// Each slot that holds a release. An error names the first slot that is not what its tree says, after all were read.
Result<void> verify_slots(bool as_json);

}  // namespace loam::node
