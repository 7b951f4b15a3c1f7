// The name of a node whose loam.yaml has none. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "netcfg/links.hpp"

namespace loam::netcfg {

// Where it is kept once it was made: a NIC that is added or replaced changes no name.
inline constexpr std::string_view hostname_path = "/loam/hostname";

// "loam-" and the last six digits of the lowest MAC address of a NIC; "loam" where there is no NIC.
std::string fallback_hostname(const std::vector<Link>& links);

}  // namespace loam::netcfg
