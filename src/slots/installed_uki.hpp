// The UKI of a release as it is on the ESP. The root's tree does not cover it; the manifest that the node keeps does.
#pragma once

#include "base/error.hpp"
#include "slots/manifest.hpp"
#include "slots/mounted_esp.hpp"

namespace loam::slots {

// Reads every UKI of the release past the page cache. An error unless there is one and each is the release's byte for
// byte.
Result<void> verify_installed_uki(const MountedEsp& esp, const Manifest& manifest);

}  // namespace loam::slots
