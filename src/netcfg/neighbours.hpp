// LLDP neighbours: which switch port a cable ends at, as systemd-networkd heard it. Pure.
// Format: `networkctl --json=short lldp` of systemd 257, which has parsed the frames; what they say is from outside.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace loam::netcfg {

struct Neighbour {
  std::string system;       // name of the switch; its chassis id if it has none
  std::string port;         // as the switch calls it
  std::string description;  // of the port
  bool operator==(const Neighbour&) const = default;
};

using Neighbours = std::map<std::string, Neighbour>;  // by interface; the first one that was heard

// All texts are printable.
Result<Neighbours> parse_neighbours(std::string_view json);

}  // namespace loam::netcfg
