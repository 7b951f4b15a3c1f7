#include "netcfg/firewall.hpp"

#include <algorithm>
#include <array>
#include <format>
#include <set>
#include <string>
#include <vector>

#include "model/describe.hpp"
#include "model/validate.hpp"
#include "netcfg/networkd.hpp"
#include "netcfg/services.hpp"

namespace loam::netcfg {

namespace {

using model::Role;

// "{ a, b }"
template <typename List>
std::string set_of(const List& items) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "{ " : ", ") + item;
  return text + " }";
}

std::string quoted(const std::string& link) { return "\"" + link + "\""; }

// nft's sets hold no networks that overlap. Two networks overlap only if one is in the other.
std::vector<std::string> widest(std::vector<IpNet> nets, bool v6) {
  std::erase_if(nets, [&](const IpNet& one) { return one.address.v6 != v6; });
  std::ranges::sort(nets, {}, &IpNet::prefix);
  std::vector<IpNet> kept;
  std::vector<std::string> texts;
  for (const auto& one : nets) {
    if (std::ranges::any_of(kept, [&](const IpNet& other) { return other.overlaps(one); })) continue;
    kept.push_back(one);
    texts.push_back(one.str());
  }
  return texts;
}

constexpr std::string_view v4_source = "ip saddr ";
constexpr std::string_view v6_source = "ip6 saddr ";

std::string from_one(const IpNet& net) {
  return std::format("{}{} ", net.address.v6 ? v6_source : v4_source, net.network().str());
}

// What is admitted before anybody asks for a role.
constexpr std::string_view basics =
    "\t\tiifname \"lo\" accept\n"
    "\t\tct state established,related accept comment \"answers, and errors about what this node sends\"\n"
    "\t\ticmp type { echo-request, destination-unreachable, time-exceeded, parameter-problem } accept\n"
    "\t\tip6 hoplimit 255 icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert, nd-redirect } "
    "accept "
    "comment \"only from the link itself\"\n"
    "\t\tip6 saddr fe80::/10 icmpv6 type mld-listener-query accept\n"
    "\t\ticmpv6 type { echo-request, destination-unreachable, packet-too-big, time-exceeded, parameter-problem } "
    "accept\n"
    "\t\tudp sport 67 udp dport 68 accept comment \"DHCP: answers to what was asked by broadcast\"\n"
    "\t\tip6 saddr fe80::/10 udp sport 547 udp dport 546 accept comment \"DHCPv6: the same by multicast\"\n";

struct Refusal {
  std::string_view chain;   // and counter
  std::string_view prefix;  // in the log; empty: what is not for this node alone fills no log
  std::string_view comment;
};

constexpr auto refusals = std::to_array<Refusal>({
    {"refused_invalid", "loam refuses (of no connection): ", "of no connection that this node knows"},
    {"refused_elsewhere",
     "loam refuses (not from there): ", "to a port that is open on another interface, or to other networks"},
    {"refused_port", "loam refuses (no role needs it): ", "to what no role in loam.yaml needs"},
    {"refused_broadcast", "", "to everybody on a link, not to this node alone"},
    {"refused_routed", "loam refuses (no router): ", "through this node from one of its networks into another"},
});

std::string counters() {
  std::string text;
  for (const auto& one : refusals)
    text += std::format("\tcounter {} {{\n\t\tcomment \"{}\"\n\t}}\n", one.chain, one.comment);
  return text;
}

std::string refusing_chains() {
  std::string text;
  for (const auto& one : refusals) {
    text += std::format("\tchain {} {{\n", one.chain);
    if (!one.prefix.empty())
      text += std::format("\t\tlimit rate 10/minute burst 20 packets log prefix \"{}\" level info\n", one.prefix);
    text += std::format("\t\tcounter name {} drop\n\t}}\n", one.chain);
  }
  return text;
}

class Ruleset {
 public:
  explicit Ruleset(const model::Config& config)
      : config_(&config), network_(&config.network), services_(services_of(config)) {}

  std::string text() const {
    return "table inet loam {\n" + counters() + ports_set("tcp", model::Protocol::tcp) +
           ports_set("udp", model::Protocol::udp) + input() + places() + pods() + refused() + refusing_chains() +
           forward() + "}\n";
  }

 private:
  // Ports that are open somewhere: a refusal there has another reason than one of a port that is open nowhere.
  std::string ports_set(std::string_view name, model::Protocol protocol) const {
    std::vector<std::string> list;
    for (const auto& service : services_)
      if (service.protocol == protocol) list.push_back(ports(service));
    const auto elements = list.empty() ? "" : std::format("\t\telements = {}\n", set_of(list));
    return std::format("\tset {}_ports {{\n\t\ttype inet_service\n\t\tflags interval\n\t\tauto-merge\n{}\t}}\n", name,
                       elements);
  }

  std::string input() const {
    auto text = "\tchain input {\n\t\ttype filter hook input priority filter + 10; policy drop;\n" +
                std::string(basics) + "\t\tct state invalid goto refused_invalid\n";
    if (config_->cluster) text += "\t\t" + not_on_cables() + from_one(pod_net()) + "goto pods\n";
    if (asks_everywhere(*network_)) return text + "\t\tgoto everywhere\n\t}\n";
    return text + std::format("\t\tiifname vmap {}\n\t\tgoto refused\n\t}}\n", set_of(jumps()));
  }

  std::vector<std::string> jumps() const {
    std::vector<std::string> list;
    list.reserve(network_->interfaces.size());
    for (const auto& interface : network_->interfaces)
      list.push_back(std::format("{} : goto on_{}", quoted(interface.link.str()), interface.link.str()));
    return list;
  }

  IpNet pod_net() const { return model::net(config_->cluster->pod_network); }

  // What comes in by a cable with a pod's address is no pod.
  std::string not_on_cables() const {
    return asks_everywhere(*network_) ? "" : std::format("iifname != {} ", set_of(interface_names()));
  }

  std::vector<std::string> interface_names() const {
    std::vector<std::string> list;
    list.reserve(network_->interfaces.size());
    for (const auto& interface : network_->interfaces) list.push_back(quoted(interface.link.str()));
    return list;
  }

  // The chain of each interface; of all, where it is not known yet which there are: then each carries everything.
  std::string places() const {
    if (asks_everywhere(*network_)) return place("everywhere", [](const Service&) { return true; }, {""}, true);
    std::string text;
    for (const auto& interface : network_->interfaces) {
      const auto roles = roles_of(interface, *network_);
      const auto here = [&](const Service& service) {
        return service.roles.empty() ||
               std::ranges::any_of(service.roles, [&](auto role) { return std::ranges::contains(roles, role); });
      };
      text +=
          place("on_" + interface.link.str(), here, neighbours(interface), std::ranges::contains(roles, Role::cluster));
    }
    return text;
  }

  // sources: conditions, one of which a neighbour fulfils.
  template <typename Here>
  std::string place(const std::string& name, Here here, const std::vector<std::string>& sources, bool cluster) const {
    std::string text = std::format("\tchain {} {{\n", name);
    for (const auto& service : services_) {
      if (!here(service)) continue;
      if (service.only)
        text += admit(service, from_one(*service.only));
      else if (service.from == From::anywhere)
        text += admit(service, "");
      else
        for (const auto& source : sources) text += admit(service, source);
    }
    if (cluster && config_->cluster) text += virtual_address() + services_on_the_host();
    return text + "\t\tgoto refused\n\t}\n";
  }

  static std::string admit(const Service& service, const std::string& source) {
    return std::format("\t\t{}{} dport {} accept comment \"{}\"\n", source, model::enum_name(service.protocol),
                       ports(service), service.what);
  }

  // keepalived's neighbours are on the link: no router lets 255 hops through.
  std::string virtual_address() const {
    const auto& cluster = *config_->cluster;
    if (!cluster.vip || cluster.role == model::NodeRole::worker) return "";
    return std::format(
        "\t\t{} accept comment \"VRRP, from the link itself\"\n",
        model::net(*cluster.vip).address.v6 ? "meta l4proto 112 ip6 hoplimit 255" : "ip protocol 112 ip ttl 255");
  }

  // kube-proxy sends there what came to a service: it has looked who may.
  static std::string services_on_the_host() {
    return "\t\tct status dnat accept comment \"services whose pods are in the host's network\"\n";
  }

  std::string pods() const {
    if (!config_->cluster) return "";
    std::string text = "\tchain pods {\n";
    for (const auto& service : services_)
      if (service.pods) text += admit(service, "");
    return text + services_on_the_host() + "\t\tgoto refused\n\t}\n";
  }

  std::vector<std::string> neighbours(const model::Interface& interface) const {
    auto nets = trusted();
    for (const auto& address : interface.addresses) nets.push_back(model::net(address).network());
    for (const auto& route : interface.routes)
      if (const auto to = model::net(route.to); to.prefix != 0) nets.push_back(to);
    // What a server or a router will give is not known here. Beside an address of this file it is not the one that
    // other nodes know.
    const bool open4 = interface.dhcp4;
    const bool open6 = interface.ipv6 != model::Ipv6Mode::off && interface.addresses.empty();
    if (open4 && open6) return {""};
    std::vector<std::string> list;
    const auto add = [&](bool open, bool v6) {
      const auto known = widest(nets, v6);
      if (open)
        list.emplace_back(v6 ? "meta nfproto ipv6 " : "meta nfproto ipv4 ");
      else if (!known.empty())
        list.push_back(std::format("{}{} ", v6 ? v6_source : v4_source, set_of(known)));
    };
    add(open4, false);
    add(open6, true);
    return list;
  }

  std::vector<IpNet> trusted() const {
    std::vector<IpNet> nets;
    nets.reserve(network_->firewall.networks.size());
    for (const auto& one : network_->firewall.networks) nets.push_back(model::net(one));
    if (!config_->cluster) return nets;
    for (const auto& node : config_->cluster->join)
      if (const auto address = IpAddr::parse(node.str())) nets.push_back({*address, address->bits()});
    return nets;
  }

  // Pods and services are forwarded: CNI and kube-proxy decide about them. But a node that forwards must not join
  // networks that the site keeps apart.
  std::string forward() const {
    if (!config_->cluster || asks_everywhere(*network_) || network_->interfaces.size() < 2) return "";
    std::string text =
        "\tchain forward {\n\t\ttype filter hook forward priority filter + 10; policy accept;\n"
        "\t\tct state established,related accept\n"
        "\t\tct status dnat accept comment \"services\"\n";
    const auto names = interface_names();
    for (const auto& from : names) {
      auto others = names;
      std::erase(others, from);
      text += std::format("\t\tiifname {} oifname {} goto refused_routed\n", from, set_of(others));
    }
    return text + "\t}\n";
  }

  static std::string refused() {
    return "\tchain refused {\n"
           "\t\tmeta pkttype { broadcast, multicast } goto refused_broadcast\n"
           "\t\ttcp dport @tcp_ports goto refused_elsewhere\n"
           "\t\tudp dport @udp_ports goto refused_elsewhere\n"
           "\t\tgoto refused_port\n\t}\n";
  }

  const model::Config* config_;
  const model::Network* network_;
  std::vector<Service> services_;
};

}  // namespace

plan::RenderedFile render_firewall(const model::Config& config) {
  // A table that is not there cannot be deleted, so it is made first.
  std::string text =
      "# Made by Loam from loam.yaml. nft list counters table inet loam: what was refused, and why.\n"
      "table inet loam\ndelete table inet loam\n";
  if (config.network.firewall.enabled) text += Ruleset(config).text();
  return {std::string(firewall_path), std::move(text), 0644, std::string(firewall_unit)};
}

}  // namespace loam::netcfg
