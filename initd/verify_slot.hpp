// loamctl slots verify: re-reads whole slots against their trees, and their UKIs against the manifests that are kept.
#pragma once

#include "base/error.hpp"

namespace loam::node {

// Each slot that holds a release, and notes what came of it. An error names the first slot that is not what its release
// says, after all were read; that there is none is one, too.
Result<void> verify_slots(bool as_json);

}  // namespace loam::node
