// What machine this is, for who sets it up: name, processors, memory, KVM.
#pragma once

#include <string>

namespace loam::node {

struct NodeFacts {
  bool live = false;    // it runs from a medium
  std::string console;  // Supervisor::console_door()
  std::string vip;      // of its cluster, with prefix; empty: there is none
};

// JSON: those, and product, serial, processors, memory (bytes), kvm. What cannot be read is empty or 0.
std::string machine_json(const NodeFacts& node);

}  // namespace loam::node
