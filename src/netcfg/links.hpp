// What the network interfaces really are.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace loam::netcfg {

struct Link {
  std::string name;
  std::string mac;
  std::string driver;
  std::string kind;    // "nic", "bond", "vlan", "bridge" or "other"
  std::string master;  // bond or bridge that it is in
  bool carrier = false;
  std::int64_t speed = 0;  // Mb/s, 0 if unknown
  std::int64_t mtu = 0;    // bytes
  std::vector<std::string> addresses;
};

// All but the loopback interface, by name.
Result<std::vector<Link>> observe_links();

}  // namespace loam::netcfg
