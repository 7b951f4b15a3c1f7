// One section of a loam.yaml made anew, and all else left as its author wrote it, comments too.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "model/config.hpp"

namespace loam::model {

// The document with this network; it means `with` then. Where the text cannot be kept, as in a document of one line, it
// is the canonical text of `with`.
std::string with_network(std::string_view text, const Config& with);

}  // namespace loam::model
