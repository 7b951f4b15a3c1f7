// What machine this is, for who sets it up: name, processors, memory, KVM.
#pragma once

#include <string>

namespace loam::node {

// JSON: product, serial, processors, memory (bytes), kvm. What cannot be read is empty or 0.
std::string machine_json();

}  // namespace loam::node
