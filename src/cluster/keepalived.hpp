// The virtual address of the API, by keepalived on the hosts of the control plane. Pure.
#pragma once

#include <string>
#include <vector>

namespace loam::cluster {

struct VirtualAddress {
  std::string address;             // with prefix, such as "192.0.2.5/24"
  std::string link;                // interface with the role cluster
  std::string own;                 // this node's address there, without prefix
  std::vector<std::string> peers;  // the other control planes' addresses, without prefix
};

// keepalived.conf(5). Unicast, since switches drop multicast that nobody asked for. A node whose API server does not
// answer counts less and never gives the address up altogether: with no API server anywhere one node still holds it, so
// that the first that comes back is reached.
std::string keepalived_config(const VirtualAddress& vip);

// Virtual router number, 1 to 255, from the address: clusters in one network differ.
unsigned router_id(const std::string& address);

}  // namespace loam::cluster
