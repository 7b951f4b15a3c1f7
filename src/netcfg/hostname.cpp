#include "netcfg/hostname.hpp"

namespace loam::netcfg {

std::string fallback_hostname(const std::vector<Link>& links) {
  std::string lowest;
  for (const auto& link : links)
    if (link.kind == "nic" && !link.mac.empty() && (lowest.empty() || link.mac < lowest)) lowest = link.mac;
  std::erase(lowest, ':');
  return lowest.size() == 12 ? "loam-" + lowest.substr(6) : "loam";
}

}  // namespace loam::netcfg
