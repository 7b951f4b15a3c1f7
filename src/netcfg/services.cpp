#include "netcfg/services.hpp"

#include <algorithm>
#include <array>
#include <format>

namespace loam::netcfg {

namespace {

using model::Protocol;
using model::Role;

// On which nodes.
enum class On : std::uint8_t { with_ssh_keys, all, cluster, control_planes, storage };

using Roles = std::array<std::optional<Role>, 3>;

struct Known {
  const char* what;
  Protocol protocol;
  int first;
  int last;
  Roles roles;
  From from;
  bool pods;
  On on;
};

constexpr auto tcp = Protocol::tcp;
constexpr auto udp = Protocol::udp;
constexpr Roles management{Role::management};
constexpr Roles cluster{Role::cluster};
constexpr Roles watched{Role::management, Role::cluster};
constexpr Roles ceph_clients{Role::cluster, Role::storage_public};
constexpr Roles ceph{Role::cluster, Role::storage_public, Role::storage_cluster};

// ssh, the API and what serves clients ask who comes, so they are for everybody who gets to the interface. What
// believes its callers, as VXLAN and metrics do, or has business with other nodes only, is for neighbours. Pods of
// other nodes come with the address of their node: flannel and kube-proxy masquerade them.
constexpr auto known = std::to_array<Known>({
    {"ssh", tcp, 22, 22, management, From::anywhere, false, On::with_ssh_keys},
    {"metrics", tcp, 9100, 9100, watched, From::neighbours, true, On::all},
    {"API server", tcp, 6443, 6443, cluster, From::anywhere, true, On::control_planes},
    {"etcd", tcp, 2379, 2380, cluster, From::neighbours, false, On::control_planes},
    {"kubelet", tcp, 10250, 10250, cluster, From::neighbours, true, On::cluster},
    // Cilium has the port of flannel.
    {"VXLAN of pods", udp, 8472, 8472, cluster, From::neighbours, false, On::cluster},
    {"health of Cilium", tcp, 4240, 4240, cluster, From::neighbours, true, On::cluster},
    {"services (NodePort)", tcp, 30000, 32767, cluster, From::anywhere, true, On::cluster},
    {"services (NodePort)", udp, 30000, 32767, cluster, From::anywhere, true, On::cluster},
    {"monitors of Ceph", tcp, 3300, 3300, ceph_clients, From::neighbours, true, On::cluster},
    {"monitors of Ceph", tcp, 6789, 6789, ceph_clients, From::neighbours, true, On::cluster},
    {"OSDs and other daemons of Ceph", tcp, 6800, 7568, ceph, From::neighbours, true, On::storage},
    {"metrics of Ceph", tcp, 9283, 9283, ceph_clients, From::neighbours, true, On::storage},
    {"metrics of Ceph", tcp, 9926, 9926, ceph_clients, From::neighbours, true, On::storage},
    // Rook's examples have it at 80 and 443, Ceph itself at 7480.
    {"object storage", tcp, 80, 80, ceph_clients, From::anywhere, true, On::storage},
    {"object storage", tcp, 443, 443, ceph_clients, From::anywhere, true, On::storage},
    {"object storage", tcp, 7480, 7480, ceph_clients, From::anywhere, true, On::storage},
    {"migration of virtual machines", tcp, 49152, 49215, cluster, From::neighbours, false, On::storage},
});

bool is_on(On on, const model::Config& config) {
  const auto& member = config.cluster;
  switch (on) {
    case On::with_ssh_keys: return !config.access.ssh_keys.empty();
    case On::all: return true;
    case On::cluster: return member.has_value();
    case On::control_planes: return member && member->role != model::NodeRole::worker;
    case On::storage: return member && member->role != model::NodeRole::witness;
  }
  return false;
}

Service service_of(const Known& one) {
  Service service{.what = one.what,
                  .protocol = one.protocol,
                  .first = one.first,
                  .last = one.last,
                  .roles = {},
                  .from = one.from,
                  .only = {},
                  .pods = one.pods};
  for (const auto& role : one.roles)
    if (role) service.roles.push_back(*role);
  return service;
}

Service service_of(const model::Allow& allow) {
  const auto range = model::port_range(allow.port.str()).value_or(std::pair{0, 0});
  return {.what = "network.firewall.allow",
          .protocol = allow.protocol,
          .first = range.first,
          .last = range.second,
          .roles = allow.roles,
          .from = From::anywhere,
          .only = allow.from ? IpNet::parse(allow.from->str()) : std::nullopt,
          .pods = false};
}

}  // namespace

std::vector<Service> services_of(const model::Config& config) {
  std::vector<Service> all;
  for (const auto& one : known)
    if (is_on(one.on, config)) all.push_back(service_of(one));
  for (const auto& allow : config.network.firewall.allow) all.push_back(service_of(allow));
  return all;
}

std::vector<Role> roles_of(const model::Interface& interface, const model::Network& network) {
  const bool managed = std::ranges::any_of(
      network.interfaces, [](const auto& one) { return std::ranges::contains(one.roles, Role::management); });
  auto roles = interface.roles;
  if (!managed) roles.push_back(Role::management);
  return roles;
}

std::string ports(const Service& service) {
  return service.first == service.last ? std::to_string(service.first)
                                       : std::format("{}-{}", service.first, service.last);
}

}  // namespace loam::netcfg
