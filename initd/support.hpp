// loamctl support.
#pragma once

#include "base/error.hpp"

namespace loam::node {

// Writes /var/lib/loam/support-<host>.tar.gz, readable by root only, and prints its path. No secrets: loam.yaml goes
// in without password hashes and keys.
// stick: and onto the volume labelled LOAM, if there is one.
Result<void> write_support_bundle(bool as_json, bool stick);

}  // namespace loam::node
