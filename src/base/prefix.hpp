// Addresses with a prefix length, as loam.yaml has them.
#pragma once

#include <string>
#include <string_view>

namespace loam {

// The address of "192.0.2.10/24".
inline std::string without_prefix(std::string_view address) {
  return std::string(address.substr(0, address.find('/')));
}

}  // namespace loam
