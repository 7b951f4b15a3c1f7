#include "netcfg/hostname.hpp"

#include "base/node_name.hpp"

namespace loam::netcfg {

std::string fallback_hostname(const std::vector<Link>& links) {
  std::vector<std::string> macs;
  for (const auto& link : links)
    if (link.kind == "nic") macs.push_back(link.mac);
  return name_by_macs(macs);
}

}  // namespace loam::netcfg
