// The MTU of a link of loam.yaml. Pure.
#pragma once

#include <cstdint>

#include "model/config.hpp"

namespace loam::model {

inline constexpr std::int64_t standard_mtu = 1500;

// Bytes, of a link in a network whose links do not stand in a ring. Where the file says nothing, 1500, or what the link
// below carries if that is less: never what the link had before, and never the 9000 of a parent, which the kernel would
// give to its VLANs. A member has its bond's.
std::int64_t mtu_of(const Network& network, const LinkName& link);

}  // namespace loam::model
