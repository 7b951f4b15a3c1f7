// How a node is called that nobody gave a name.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace loam {

// "loam-" and the last six digits of the lowest of the MAC addresses; "loam" where there is none.
inline std::string name_by_macs(const std::vector<std::string>& macs) {
  constexpr std::size_t digits = 12;
  std::string lowest;
  for (const auto& mac : macs)
    if (!mac.empty() && (lowest.empty() || mac < lowest)) lowest = mac;
  std::erase(lowest, ':');
  return lowest.size() == digits ? "loam-" + lowest.substr(digits / 2) : "loam";
}

}  // namespace loam
