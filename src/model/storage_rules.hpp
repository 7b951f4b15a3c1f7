// Which rules of storage in loam.yaml are a host's. Pure.
#pragma once

#include <string_view>

#include "model/config.hpp"

namespace loam::model {

// Those of the first entry of `hosts` that names the host, else the common ones.
const StorageRules& rules_for(const Storage& storage, std::string_view hostname);

}  // namespace loam::model
