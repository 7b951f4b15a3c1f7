// The MTU of a link of loam.yaml. Pure.
#pragma once

#include <cstdint>

#include "model/config.hpp"

namespace loam::netcfg {

// Bytes. Where the file says nothing, 1500, or what the link below carries if that is less: never what the link had
// before, and never the 9000 of a parent, which the kernel would give to its VLANs. A member has its bond's.
std::int64_t mtu_of(const model::Network& network, const model::LinkName& link);

}  // namespace loam::netcfg
