#include "netcfg/networkd.hpp"

#include <algorithm>
#include <format>
#include <map>
#include <optional>
#include <string>

#include "model/describe.hpp"
#include "model/mtu.hpp"

namespace loam::netcfg {

namespace {

using plan::RenderedFile;

constexpr std::string_view directory = "/etc/systemd/network";
// A .netdev file holds only what cannot be changed while its link is there: a change of it makes the link anew. The
// rest, as the MTU, is in .network files.
constexpr std::string_view networkd = "systemd-networkd.service";
const std::string dhcp_lines = "DHCP=yes\nIPv6AcceptRA=yes\n";

std::string resolver_lines(const model::Dns& dns) {
  std::string text;
  for (const auto& server : dns.servers) text += std::format("DNS={}\n", server.str());
  for (const auto& domain : dns.search) text += std::format("Domains={}\n", domain.str());
  return text;
}

RenderedFile file(std::string_view name, std::string content) {
  return {std::format("{}/{}", directory, name), std::move(content), 0644, std::string(networkd)};
}

// Not by name: whatever the kernel or udev calls it, it is that card.
std::string nic_match(const model::Nic& nic) {
  return std::format("[Match]\nPermanentMACAddress={}\n", nic.match.mac ? nic.match.mac->str() : "");
}

RenderedFile nic_link(const model::Nic& nic) {
  auto link = file(std::format("10-{}.link", nic.name.str()),
                   std::format("{}\n[Link]\nNamePolicy=\nName={}\n", nic_match(nic), nic.name.str()));
  link.unit = plan::nic_names;
  return link;
}

std::string bond_lines(const model::Bond& bond) {
  std::string text = std::format("[Bond]\nMode={}\nMinLinks={}\n", model::enum_name(bond.mode), bond.min_links);
  if (bond.mode == model::BondMode::lacp)
    text += std::format("LACPTransmitRate={}\nAdSelect={}\n", model::enum_name(bond.lacp_rate),
                        model::enum_name(bond.ad_select));
  if (bond.mode != model::BondMode::active_backup)
    text += std::format("TransmitHashPolicy={}\n", model::enum_name(bond.hash_policy));
  // networkd sets a primary on a bond that is there, but takes none away: that makes the bond anew.
  if (bond.primary) text += "# has a primary\n";
  if (bond.mode == model::BondMode::active_backup || bond.primary)
    text += std::format("PrimaryReselectPolicy={}\n", model::enum_name(bond.primary_reselect));
  // A bond that watches neither carrier nor ARP never fails over.
  if (bond.arp_targets.empty()) return text + std::format("MIIMonitorSec={}ms\n", bond.miimon_ms);
  text += std::format("ARPIntervalSec={}ms\nARPIPTargets=", bond.arp_interval_ms);
  for (const auto& target : bond.arp_targets) text += target.str() + " ";
  text.back() = '\n';
  return text;
}

RenderedFile bond_netdev(const model::Bond& bond) {
  return file(std::format("20-{}.netdev", bond.name.str()),
              std::format("[NetDev]\nName={}\nKind=bond\n\n{}", bond.name.str(), bond_lines(bond)));
}

RenderedFile vlan_netdev(const model::Vlan& vlan) {
  return file(std::format("20-{}.netdev", vlan.name.str()),
              std::format("[NetDev]\nName={}\nKind=vlan\n\n[VLAN]\nId={}\n", vlan.name.str(), vlan.id));
}

RenderedFile bridge_netdev(const model::Bridge& bridge) {
  return file(std::format("20-{}.netdev", bridge.name.str()),
              std::format("[NetDev]\nName={}\nKind=bridge\n\n[Bridge]\nVLANFiltering={}\n", bridge.name.str(),
                          bridge.vlan_filtering ? "yes\nDefaultPVID=1" : "no"));
}

// The VLANs of the trunk that a member lets through; untagged frames are VLAN 1 inside.
std::string trunk_sections(const model::Bridge& bridge) {
  if (!bridge.vlan_filtering) return "";
  if (bridge.trunk.empty()) return "\n[BridgeVLAN]\nVLAN=2-4094\n";
  std::string text;
  for (const auto& range : bridge.trunk) text += std::format("\n[BridgeVLAN]\nVLAN={}\n", range.str());
  return text;
}

// What its place among the others says about one link.
struct Place {
  std::string match;
  std::string network;   // lines of the [Network] section: masters, and VLANs on it
  std::string sections;  // more sections
  std::int64_t mtu = 0;
  bool hardware = false;
  bool used = false;  // a member of something, or the parent of a VLAN
};

// One .network file a link: what it belongs to, what stands on it, and its addresses.
class Links {
 public:
  explicit Links(const model::Network& network) : network_(&network) {
    for (const auto& nic : network.nics) {
      auto& place = add_link(nic.name);
      place.match = nic_match(nic);
      place.hardware = true;
    }
    for (const auto& bond : network.bonds) add_bond(bond);
    for (const auto& bridge : network.bridges) {
      add_link(bridge.name);
      for (const auto& member : bridge.members) {
        auto& place = use(member);
        place.network += std::format("Bridge={}\n", bridge.name.str());
        place.sections += trunk_sections(bridge);
      }
    }
    for (const auto& vlan : network.vlans) {
      add_link(vlan.name);
      auto& parent = use(vlan.parent);
      parent.network += std::format("VLAN={}\n", vlan.name.str());
      const auto bridge = std::ranges::find(network.bridges, vlan.parent, &model::Bridge::name);
      // The bridge itself is one of its ports, which lets through only what it is told.
      if (bridge != network.bridges.end() && bridge->vlan_filtering)
        parent.sections += std::format("\n[BridgeVLAN]\nVLAN={}\n", vlan.id);
    }
    for (const auto& interface : network.interfaces) interfaces_[interface.link.str()] = &interface;
  }

  std::vector<RenderedFile> files() const {
    std::vector<RenderedFile> files;
    files.reserve(places_.size());
    for (const auto& [name, place] : places_)
      // A NIC that is not in this machine has no place of its own.
      if (!place.match.empty()) files.push_back(file(std::format("30-{}.network", name), content(name, place)));
    return files;
  }

 private:
  Place& use(const model::LinkName& link) {
    auto& place = places_[link.str()];
    place.used = true;
    return place;
  }

  Place& add_link(const model::LinkName& name) {
    auto& place = places_[name.str()];
    place.match = std::format("[Match]\nName={}\n", name.str());
    place.mtu = model::mtu_of(*network_, name);
    return place;
  }

  void add_bond(const model::Bond& bond) {
    add_link(bond.name);
    for (const auto& member : bond.members) {
      auto& place = use(member);
      place.network += std::format("Bond={}\n", bond.name.str());
      if (bond.primary == member) place.network += "PrimarySlave=yes\n";
    }
  }

  std::string content(const std::string& name, const Place& place) const {
    std::string text = place.match;
    // Always: networkd leaves what the link has where the file says nothing, also after a way back from 9000.
    text += std::format("\n[Link]\nMTUBytes={}\n", place.mtu);
    text += "\n[Network]\n" + place.network;
    // Neighbours are told and asked on cables, where they are.
    if (place.hardware) text += "LLDP=yes\nEmitLLDP=yes\n";
    const auto interface = interfaces_.find(name);
    if (interface != interfaces_.end()) return text + addressed(*interface->second) + place.sections;
    // A file that only names its links asks for no less than one that says nothing.
    const bool free = interfaces_.empty() && !place.used;
    return text + (free ? dhcp_lines + resolver_lines(network_->dns) : bare()) + place.sections;
  }

  // Members and carriers of VLANs have no address of their own.
  static std::string bare() { return "LinkLocalAddressing=no\nIPv6AcceptRA=no\n"; }

  std::string addressed(const model::Interface& interface) const {
    const bool v6_dhcp = interface.ipv6 == model::Ipv6Mode::dhcp;
    const bool v6 = interface.ipv6 != model::Ipv6Mode::off;
    std::string text = std::format("DHCP={}\nIPv6AcceptRA={}\nLinkLocalAddressing={}\n",
                                   interface.dhcp4 ? (v6_dhcp ? "yes" : "ipv4") : (v6_dhcp ? "ipv6" : "no"),
                                   v6 ? "yes" : "no", v6 ? "ipv6" : "no");
    // Whoever listens on a static address keeps it while a cable is out.
    if (!interface.dhcp4 && !interface.addresses.empty()) text += "IgnoreCarrierLoss=yes\n";
    text += resolver_lines(network_->dns);
    if (interface.dhcp4) text += "\n[DHCPv4]\nClientIdentifier=mac\n";
    // Else the router's flags decide, as with slaac.
    if (v6_dhcp) text += "\n[IPv6AcceptRA]\nDHCPv6Client=always\n";
    for (const auto& address : interface.addresses) text += address_section(address);
    if (interface.gateway) text += std::format("\n[Route]\nGateway={}\n", interface.gateway->str());
    if (interface.gateway6) text += std::format("\n[Route]\nGateway={}\n", interface.gateway6->str());
    for (const auto& route : interface.routes) text += route_section(route);
    for (const auto& rule : interface.rules) text += rule_section(rule);
    return text;
  }

  // An IPv4 address that another host has is not taken: the kernel asks only for IPv6.
  static std::string address_section(const model::IpPrefix& address) {
    const bool v6 = address.str().contains(':');
    return std::format("\n[Address]\nAddress={}\n{}", address.str(), v6 ? "" : "DuplicateAddressDetection=ipv4\n");
  }

  static std::string route_section(const model::Route& route) {
    std::string text = std::format("\n[Route]\nDestination={}\n", route.to.str());
    if (route.via) text += std::format("Gateway={}\n", route.via->str());
    if (route.metric) text += std::format("Metric={}\n", *route.metric);
    if (route.table) text += std::format("Table={}\n", *route.table);
    return text;
  }

  static std::string rule_section(const model::Rule& rule) {
    std::string text = std::format("\n[RoutingPolicyRule]\nTable={}\n", rule.table);
    if (rule.from) text += std::format("From={}\n", rule.from->str());
    if (rule.to) text += std::format("To={}\n", rule.to->str());
    return text;
  }

  const model::Network* network_;
  std::map<std::string, Place> places_;
  std::map<std::string, const model::Interface*> interfaces_;
};

RenderedFile dhcp_everywhere(const model::Dns& dns) {
  return file(
      "90-dhcp.network",
      std::format(
          "[Match]\nType=ether\nKind=!*\n\n[Network]\nLLDP=yes\nEmitLLDP=yes\n{}{}\n[Link]\nRequiredForOnline=no\n",
          dhcp_lines, resolver_lines(dns)));
}

}  // namespace

bool asks_everywhere(const model::Network& network) { return network.interfaces.empty() || network.nics.empty(); }

std::vector<RenderedFile> render_network(const model::Network& network) {
  std::vector<RenderedFile> files;
  files.reserve(network.nics.size() + network.bonds.size() + network.vlans.size() + network.bridges.size());
  for (const auto& nic : network.nics)
    if (nic.match.mac) files.push_back(nic_link(nic));
  for (const auto& bond : network.bonds) files.push_back(bond_netdev(bond));
  for (const auto& vlan : network.vlans) files.push_back(vlan_netdev(vlan));
  for (const auto& bridge : network.bridges) files.push_back(bridge_netdev(bridge));
  auto links = Links(network).files();
  std::ranges::move(links, std::back_inserter(files));
  if (asks_everywhere(network)) files.push_back(dhcp_everywhere(network.dns));
  return files;
}

}  // namespace loam::netcfg
