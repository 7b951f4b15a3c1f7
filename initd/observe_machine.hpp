// What machine this is, for who sets it up: name, processors, memory, KVM.
#pragma once

#include <string>

namespace loam::node {

// JSON: live, product, serial, processors, memory (bytes), kvm. What cannot be read is empty or 0.
// live: it runs from a medium.
std::string machine_json(bool live);

}  // namespace loam::node
