// The loam.yaml that a release last used, and what belongs to it: kept when another one runs, given back when the
// first one runs again.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace loam::slots {

// For whoever starts a release, before anything reads its configuration. root: where /loam and the release are.
// files: absolute, loam.yaml first; they are given back from the last to the first, so that a cut leaves the old
// loam.yaml with what belongs to the new one and is mended at the next start. An older release gets its own back; a
// newer one goes on with what is there, unless that is just what an older one was given, which nobody changed since.
// A sentence about what was given back; none: nothing was.
Result<std::optional<std::string>> follow_release(const std::filesystem::path& root,
                                                  std::span<const std::string_view> files);

}  // namespace loam::slots
