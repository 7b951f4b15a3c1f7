#include <algorithm>
#include <array>
#include <format>
#include <map>
#include <optional>
#include <set>

#include "base/ip.hpp"
#include "model/describe.hpp"
#include "model/validate.hpp"

namespace loam::model {

namespace {

// The type has checked the form already.
IpAddr ip(const IpAddress& text) { return IpAddr::parse(text.str()).value_or(IpAddr{}); }

std::string_view family(bool v6) { return v6 ? "IPv6" : "IPv4"; }

// A network with the key that says it.
struct Range {
  IpNet net;
  std::string path;
};

class AddressRules {
 public:
  AddressRules(const Config& config, Problems& problems) : config_(&config), problems_(&problems) {}

  void run() {
    const auto& list = config_->network.interfaces;
    for (std::size_t i = 0; i < list.size(); ++i) interface(list[i], std::format("network.interfaces[{}]", i));
    dns();
    if (const auto timeout = config_->network.confirm_timeout.seconds;
        timeout < std::chrono::seconds(30) || timeout > std::chrono::hours(1))
      problem("network.confirm_timeout", "expected 30s to 1h");
    if (config_->cluster) cluster(*config_->cluster);
  }

 private:
  void problem(std::string path, std::string text) { problems_->add(std::move(path), std::move(text)); }

  // ---- one interface ----

  void interface(const Interface& interface, const std::string& path) {
    link(interface, path);
    roles(interface, path);
    std::vector<IpNet> nets;
    for (std::size_t i = 0; i < interface.addresses.size(); ++i) {
      const auto at = std::format("{}.addresses[{}]", path, i);
      nets.push_back(net(interface.addresses[i]));
      address(nets.back(), at);
      if (nets.back().address.v6 && interface.ipv6 == Ipv6Mode::off)
        problem(at, "is an IPv6 address, and ipv6 is off here");
    }
    if (interface.gateway) gateway(ip(*interface.gateway), nets, interface, path + ".gateway");
    if (interface.gateway6) {
      if (!ip(*interface.gateway6).v6) problem(path + ".gateway6", "is an IPv4 address; give it as gateway");
      gateway(ip(*interface.gateway6), nets, interface, path + ".gateway6");
    }
    for (std::size_t i = 0; i < interface.routes.size(); ++i)
      route(interface.routes[i], nets, std::format("{}.routes[{}]", path, i));
    for (std::size_t i = 0; i < interface.rules.size(); ++i)
      rule(interface.rules[i], std::format("{}.rules[{}]", path, i));
    ranges_of(nets, path);
  }

  void link(const Interface& interface, const std::string& path) {
    const auto& name = interface.link.str();
    const auto& network = config_->network;
    const auto has = [&](const auto& list) {
      return std::ranges::any_of(list, [&](const auto& item) { return item.name == interface.link; });
    };
    if (!has(network.nics) && !has(network.bonds) && !has(network.vlans) && !has(network.bridges))
      problem(path + ".link", std::format("there is no NIC, bond, VLAN or bridge \"{}\" in this file", name));
    if (const auto [at, fresh] = configured_.emplace(name, path); !fresh)
      problem(path, std::format("\"{}\" is configured by {} already", name, at->second));
    const auto takes = [&](const auto& masters) {
      for (const auto& master : masters)
        if (std::ranges::find(master.members, interface.link) != master.members.end())
          problem(path + ".link",
                  std::format("\"{}\" is a member of {}; the addresses belong there", name, master.name.str()));
    };
    takes(network.bonds);
    takes(network.bridges);
  }

  void roles(const Interface& interface, const std::string& path) {
    const bool is_bridge = std::ranges::any_of(config_->network.bridges,
                                               [&](const auto& bridge) { return bridge.name == interface.link; });
    for (const auto role : interface.roles) {
      if (role == Role::vm) {
        if (!is_bridge) problem(path + ".roles", "vm needs a bridge, which virtual machines can be connected to");
        continue;
      }
      if (const auto [at, fresh] = roles_.emplace(role, path); !fresh)
        problem(path + ".roles", std::format("{} is what {} carries already", enum_name(role), at->second));
    }
    const bool no_address = !interface.dhcp4 && interface.addresses.empty() && interface.ipv6 == Ipv6Mode::off;
    const bool needs_one = std::ranges::any_of(interface.roles, [](auto role) { return role != Role::vm; });
    if (no_address && needs_one) problem(path, "has roles that need an address, and no address, dhcp4 or ipv6");
  }

  void address(const IpNet& value, const std::string& path) {
    const auto& host = value.address;
    if (host.is_unspecified() || host.is_loopback() || host.is_multicast()) {
      problem(path, std::format("{} is no address that an interface can have", host.str()));
    } else if (host.is_link_local()) {
      problem(path, std::format("{} is link-local; interfaces take those by themselves", host.str()));
    } else if (value.prefix == 0) {
      problem(path, "a prefix of 0 would be the whole world; give that of the network");
    } else if (!host.v6 && value.prefix < 31 && value.is_network()) {
      problem(path, std::format("{} is the network itself, not a host in it", value.str()));
    } else if (!host.v6 && value.prefix < 31 && host == value.broadcast()) {
      problem(path, std::format("{} is the broadcast address of its network", value.str()));
    }
    if (const auto [at, fresh] = addresses_.emplace(host, path); !fresh)
      problem(path, std::format("the address {} stands in {} already", host.str(), at->second));
  }

  // Two interfaces in one network answer for each other, and replies leave by either.
  void ranges_of(const std::vector<IpNet>& nets, const std::string& path) {
    const auto others = subnets_.size();
    for (std::size_t i = 0; i < nets.size(); ++i) {
      const auto at = std::format("{}.addresses[{}]", path, i);
      for (std::size_t k = 0; k < others; ++k)
        if (nets[i].address != subnets_[k].net.address && nets[i].overlaps(subnets_[k].net))
          problem(at, std::format("{} overlaps {} of {}; two interfaces in one network answer for each other",
                                  nets[i].network().str(), subnets_[k].net.network().str(), subnets_[k].path));
      subnets_.push_back({nets[i], at});
    }
  }

  // ---- gateways, routes, rules ----

  void gateway(const IpAddr& gateway, const std::vector<IpNet>& nets, const Interface& interface,
               const std::string& path) {
    if (const auto [at, fresh] = gateways_.emplace(gateway.v6, path); !fresh)
      problem(path, std::format("{} is the default gateway of {} already; use routes with a metric or a table",
                                at->second, family(gateway.v6)));
    on_link(gateway, nets, interface, path);
  }

  void on_link(const IpAddr& hop, const std::vector<IpNet>& nets, const Interface& interface, const std::string& path) {
    if (hop.v6 && hop.is_link_local()) return;
    if (std::ranges::any_of(nets, [&](const auto& n) { return n.address == hop; })) {
      problem(path, std::format("{} is this node's own address", hop.str()));
      return;
    }
    const auto within = std::ranges::find_if(nets, [&](const auto& n) { return n.contains(hop); });
    if (within == nets.end()) {
      const bool dynamic = hop.v6 ? interface.ipv6 != Ipv6Mode::off : interface.dhcp4;
      problem(
          path,
          std::format("{} is in no network of this interface{}", hop.str(),
                      dynamic && !has_family(nets, hop.v6) ? "; what DHCP or SLAAC gives brings its own gateway" : ""));
    } else if (!hop.v6 && within->prefix < 31 && (hop == within->network().address || hop == within->broadcast())) {
      problem(path, std::format("{} is the network or broadcast address of {}", hop.str(), within->network().str()));
    }
  }

  static bool has_family(const std::vector<IpNet>& nets, bool v6) {
    return std::ranges::any_of(nets, [&](const auto& n) { return n.address.v6 == v6; });
  }

  void route(const Route& route, const std::vector<IpNet>& nets, const std::string& path) {
    const auto to = net(route.to);
    whole_network(to, path + ".to", *problems_);
    const auto key = std::format("{} in table {} with metric {}", to.network().str(), route.table.value_or(254),
                                 route.metric.value_or(0));
    if (const auto [at, fresh] = routes_.emplace(key, path); !fresh)
      problem(path, std::format("{} is what {} says already", key, at->second));
    if (!route.via) return;
    const auto via = ip(*route.via);
    if (via.v6 != to.address.v6) {
      problem(path + ".via", std::format("is {}, to is {}", family(via.v6), family(to.address.v6)));
      return;
    }
    if (via.v6 && via.is_link_local()) return;
    // What DHCP will give is not known here.
    if (!has_family(nets, via.v6)) return;
    on_link(via, nets, Interface{}, path + ".via");
  }

  void rule(const Rule& rule, const std::string& path) {
    if (!rule.from && !rule.to) problem(path, "needs from or to");
    if (rule.from) whole_network(net(*rule.from), path + ".from", *problems_);
    if (rule.to) whole_network(net(*rule.to), path + ".to", *problems_);
    if (rule.from && rule.to && net(*rule.from).address.v6 != net(*rule.to).address.v6)
      problem(path, "from and to are of different families");
    const auto& list = config_->network.interfaces;
    const bool filled = std::ranges::any_of(list, [&](const auto& interface) {
      return std::ranges::any_of(interface.routes, [&](const auto& route) { return route.table == rule.table; });
    });
    if (!filled && rule.table != 254)
      problem(path + ".table",
              std::format("no route of this file is in table {}, so the rule would do nothing", rule.table));
  }

  // ---- DNS and the cluster ----

  void dns() {
    std::set<IpAddr> seen;
    const auto& servers = config_->network.dns.servers;
    for (std::size_t i = 0; i < servers.size(); ++i) {
      const auto path = std::format("network.dns.servers[{}]", i);
      const auto server = ip(servers[i]);
      if (!seen.insert(server).second) problem(path, std::format("{} stands here twice", server.str()));
      if (server.is_unspecified() || server.is_multicast() || server.is_loopback())
        problem(path, std::format("{} is no server that can be asked", server.str()));
    }
  }

  void cluster(const Cluster& cluster) {
    const Range pods{net(cluster.pod_network), "cluster.pod_network"};
    const Range services{net(cluster.service_network), "cluster.service_network"};
    whole_network(pods.net, pods.path, *problems_);
    whole_network(services.net, services.path, *problems_);
    // kube-apiserver takes at most 20 bits of hosts.
    if (services.net.address.bits() - services.net.prefix > 20)
      problem(services.path,
              std::format("is too large; Kubernetes takes /{} or longer", services.net.address.bits() - 20));
    apart(services, pods);
    for (const auto& range : {pods, services}) used_by_hosts(range);
    if (!config_->network.interfaces.empty() && !roles_.contains(Role::cluster))
      problem("network.interfaces", "none has the role cluster, which the section cluster needs");
    if (cluster.vip) vip(net(*cluster.vip));
  }

  void apart(const Range& range, const Range& other) {
    if (range.net.overlaps(other.net))
      problem(range.path, std::format("{} overlaps {} of {}", range.net.str(), other.net.network().str(), other.path));
  }

  // Packets to such a host would go to a pod instead.
  void used_by_hosts(const Range& range) {
    for (const auto& subnet : subnets_) apart(range, subnet);
    const auto& list = config_->network.interfaces;
    for (std::size_t i = 0; i < list.size(); ++i)
      for (std::size_t k = 0; k < list[i].routes.size(); ++k)
        if (const auto to = net(list[i].routes[k].to); to.prefix != 0)
          apart(range, {to, std::format("network.interfaces[{}].routes[{}].to", i, k)});
    const auto& servers = config_->network.dns.servers;
    for (std::size_t i = 0; i < servers.size(); ++i)
      if (range.net.contains(ip(servers[i])))
        problem(range.path,
                std::format("{} holds {} of network.dns.servers[{}]", range.net.str(), servers[i].str(), i));
  }

  void vip(const IpNet& vip) {
    const std::string path = "cluster.vip";
    if (const auto own = addresses_.find(vip.address); own != addresses_.end())
      problem(path, std::format("{} is this node's own address in {}; the VIP moves between nodes", vip.address.str(),
                                own->second));
    const auto& list = config_->network.interfaces;
    for (std::size_t i = 0; i < list.size(); ++i) {
      if ((list[i].gateway && ip(*list[i].gateway) == vip.address) ||
          (list[i].gateway6 && ip(*list[i].gateway6) == vip.address))
        problem(path, std::format("{} is the gateway of network.interfaces[{}]", vip.address.str(), i));
      const bool carries = std::ranges::find(list[i].roles, Role::cluster) != list[i].roles.end();
      if (carries) vip_on(vip, list[i], i);
    }
  }

  void vip_on(const IpNet& vip, const Interface& interface, std::size_t index) {
    // A server or a router may give the network that it is in.
    bool known = vip.address.v6 ? interface.ipv6 == Ipv6Mode::off : !interface.dhcp4;
    for (const auto& text : interface.addresses) {
      const auto subnet = net(text);
      if (subnet.address.v6 != vip.address.v6) continue;
      known = true;
      if (!subnet.contains(vip.address)) continue;
      if (!vip.address.v6 && subnet.prefix < 31 &&
          (vip.address == subnet.broadcast() || vip.address == subnet.network().address))
        problem("cluster.vip",
                std::format("{} is the network or broadcast address of {}", vip.address.str(), subnet.network().str()));
      return;
    }
    if (known)
      problem("cluster.vip",
              std::format("{} is in no network of {}, which carries the cluster (network.interfaces[{}])",
                          vip.address.str(), interface.link.str(), index));
  }

  const Config* config_;
  Problems* problems_;
  std::map<std::string, std::string> configured_;  // links, by name
  std::map<Role, std::string> roles_;
  std::map<IpAddr, std::string> addresses_;
  std::vector<Range> subnets_;
  std::map<bool, std::string> gateways_;  // by family, true: IPv6
  std::map<std::string, std::string> routes_;
};

}  // namespace

void validate_addresses(const Config& config, Problems& problems) { AddressRules(config, problems).run(); }

}  // namespace loam::model
