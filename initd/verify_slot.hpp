// loamctl slots verify.
#pragma once

#include "base/error.hpp"

namespace loam::node {

// Reads the whole booted slot past the page cache. Its root hash comes from the kernel command line, never from the
// disk. Needs root.
Result<void> verify_booted_slot(bool as_json);

}  // namespace loam::node
