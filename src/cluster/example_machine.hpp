// For tests: what a node with a cable too few says of itself.
#pragma once

#include "cluster/machine.hpp"

namespace loam::cluster {

inline MachineStatus example_status() {
  return {.release = "0.1.0",
          .slot = "a",
          .state = "degraded",
          .reasons = {"bond0: eth1 has no carrier"},
          .disks = {{"osd", 24}, {"os", 1}},
          .bonds = {{.name = "bond0", .members = {"eth0", "eth1"}, .active = {"eth0"}}},
          .conditions = {{.type = "Network",
                          .status = "False",
                          .reason = "NoCarrier",
                          .message = "eth1 has no carrier",
                          .since = 1'800'000'000}}};
}

}  // namespace loam::cluster
