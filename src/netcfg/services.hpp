// Which ports of a node others need, by its roles in loam.yaml: the one list that its firewall is made of. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.hpp"
#include "model/config.hpp"

namespace loam::netcfg {

// Who may ask. neighbours: those in networks that the interface is in or has routes to, in network.firewall.networks,
// and the nodes of cluster.join.
enum class From : std::uint8_t { anywhere, neighbours };

struct Service {
  std::string what;
  model::Protocol protocol = model::Protocol::tcp;
  int first = 0;
  int last = 0;
  std::vector<model::Role> roles;  // of the interfaces that it is reached by; none: by all
  From from = From::anywhere;
  std::optional<IpNet> only;  // instead of `from`
  bool pods = false;          // pods on this node need it too
  bool operator==(const Service&) const = default;
};

// Those of network.firewall.allow are the last.
std::vector<Service> services_of(const model::Config& config);

// The roles that each interface has for the firewall. A node that could be reached nowhere could be mended nowhere:
// where none has management, all have it.
std::vector<model::Role> roles_of(const model::Interface& interface, const model::Network& network);

// "9000" or "9000-9010".
std::string ports(const Service& service);

}  // namespace loam::netcfg
