#include "netcfg/networkd.hpp"

#include <algorithm>
#include <format>
#include <map>
#include <set>
#include <string>

#include "model/describe.hpp"

namespace loam::netcfg {

namespace {

using plan::RenderedFile;

constexpr std::string_view directory = "/etc/systemd/network";
constexpr std::string_view networkd = "systemd-networkd.service";
constexpr std::string_view dhcp_lines = "DHCP=yes\nIPv6AcceptRA=yes\nLLDP=yes\nEmitLLDP=yes\n";

RenderedFile file(std::string_view name, std::string content) {
  return {std::format("{}/{}", directory, name), std::move(content), 0644, std::string(networkd)};
}

std::string mtu_lines(const std::optional<std::int64_t>& mtu) { return mtu ? std::format("MTUBytes={}\n", *mtu) : ""; }

std::string match_lines(const model::NicSelector& match) {
  std::string text;
  if (match.mac) text += std::format("PermanentMACAddress={}\n", match.mac->str());
  if (match.pci) text += std::format("Path=pci-{}*\n", match.pci->str());
  if (match.driver) text += std::format("Driver={}\n", match.driver->str());
  return text;
}

RenderedFile nic_link(const model::Nic& nic) {
  return file(std::format("10-{}.link", nic.name.str()),
              std::format("[Match]\n{}\n[Link]\nNamePolicy=\nName={}\n{}", match_lines(nic.match), nic.name.str(),
                          mtu_lines(nic.mtu)));
}

std::string bond_lines(const model::Bond& bond) {
  std::string text = std::format("[Bond]\nMode={}\nMinLinks={}\n", model::enum_name(bond.mode), bond.min_links);
  if (bond.mode == model::BondMode::lacp)
    text += std::format("LACPTransmitRate={}\nAdSelect={}\n", model::enum_name(bond.lacp_rate),
                        model::enum_name(bond.ad_select));
  if (bond.mode != model::BondMode::active_backup)
    text += std::format("TransmitHashPolicy={}\n", model::enum_name(bond.hash_policy));
  if (bond.mode == model::BondMode::active_backup)
    text += std::format("PrimaryReselectPolicy={}\n", model::enum_name(bond.primary_reselect));
  // A bond that watches neither carrier nor ARP never fails over.
  if (bond.arp_targets.empty()) return text + std::format("MIIMonitorSec={}ms\n", bond.miimon_ms);
  text += "ARPIntervalSec=500ms\nARPIPTargets=";
  for (const auto& target : bond.arp_targets) text += target.str() + " ";
  text.back() = '\n';
  return text;
}

RenderedFile bond_netdev(const model::Bond& bond) {
  return file(
      std::format("20-{}.netdev", bond.name.str()),
      std::format("[NetDev]\nName={}\nKind=bond\n{}\n{}", bond.name.str(), mtu_lines(bond.mtu), bond_lines(bond)));
}

RenderedFile vlan_netdev(const model::Vlan& vlan) {
  return file(
      std::format("20-{}.netdev", vlan.name.str()),
      std::format("[NetDev]\nName={}\nKind=vlan\n{}\n[VLAN]\nId={}\n", vlan.name.str(), mtu_lines(vlan.mtu), vlan.id));
}

RenderedFile bridge_netdev(const model::Bridge& bridge) {
  return file(std::format("20-{}.netdev", bridge.name.str()),
              std::format("[NetDev]\nName={}\nKind=bridge\n{}\n[Bridge]\nVLANFiltering={}\n", bridge.name.str(),
                          mtu_lines(bridge.mtu), bridge.vlan_filtering ? "yes" : "no"));
}

// One .network file a link: what it belongs to, what stands on it, and its addresses.
class Links {
 public:
  explicit Links(const model::Network& network) : network_(&network) {
    for (const auto& nic : network.nics) lines_[nic.name.str()];
    for (const auto& bond : network.bonds) add_bond(bond);
    for (const auto& bridge : network.bridges) {
      lines_[bridge.name.str()];
      for (const auto& member : bridge.members) use(member) += std::format("Bridge={}\n", bridge.name.str());
    }
    for (const auto& vlan : network.vlans) {
      lines_[vlan.name.str()];
      use(vlan.parent) += std::format("VLAN={}\n", vlan.name.str());
    }
  }

  std::vector<RenderedFile> files() const {
    std::vector<RenderedFile> files;
    files.reserve(lines_.size());
    for (const auto& [name, lines] : lines_)
      files.push_back(
          file(std::format("30-{}.network", name), std::format("[Match]\nName={}\n{}", name, sections(name, lines))));
    return files;
  }

 private:
  std::string& use(const model::LinkName& link) {
    used_.insert(link.str());
    return lines_[link.str()];
  }

  void add_bond(const model::Bond& bond) {
    lines_[bond.name.str()];
    for (const auto& member : bond.members) {
      auto& lines = use(member);
      lines += std::format("Bond={}\n", bond.name.str());
      if (bond.primary == member) lines += "PrimarySlave=yes\n";
      if (bond.mtu) mtus_[member.str()] = *bond.mtu;
    }
    if (bond.mtu) mtus_[bond.name.str()] = *bond.mtu;
  }

  std::string sections(const std::string& name, const std::string& lines) const {
    std::string text;
    if (const auto mtu = mtus_.find(name); mtu != mtus_.end())
      text += std::format("\n[Link]\nMTUBytes={}\n", mtu->second);
    const auto& interfaces = network_->interfaces;
    const auto found = std::ranges::find(interfaces, name, [](const auto& interface) { return interface.link.str(); });
    text += "\n[Network]\n" + lines;
    if (found != interfaces.end()) return text + addressed(*found);
    // A file that only names its links asks for no less than one that says nothing.
    return text + (interfaces.empty() && !used_.contains(name) ? std::string(dhcp_lines) : bare());
  }

  // Members and carriers of VLANs have no address of their own.
  static std::string bare() { return "LinkLocalAddressing=no\nIPv6AcceptRA=no\n"; }

  std::string addressed(const model::Interface& interface) const {
    const bool v6_dhcp = interface.ipv6 == model::Ipv6Mode::dhcp;
    const bool v6 = interface.ipv6 != model::Ipv6Mode::off;
    std::string text = std::format("DHCP={}\nIPv6AcceptRA={}\nLinkLocalAddressing={}\nLLDP=yes\nEmitLLDP=yes\n",
                                   interface.dhcp4 ? (v6_dhcp ? "yes" : "ipv4") : (v6_dhcp ? "ipv6" : "no"),
                                   v6 ? "yes" : "no", v6 ? "ipv6" : "no");
    for (const auto& address : interface.addresses) text += std::format("Address={}\n", address.str());
    if (interface.gateway) text += std::format("Gateway={}\n", interface.gateway->str());
    for (const auto& server : network_->dns.servers) text += std::format("DNS={}\n", server.str());
    for (const auto& domain : network_->dns.search) text += std::format("Domains={}\n", domain.str());
    for (const auto& route : interface.routes) text += route_section(route);
    for (const auto& rule : interface.rules) text += rule_section(rule);
    return text;
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
  std::map<std::string, std::string> lines_;  // of the [Network] section, by link
  std::map<std::string, std::int64_t> mtus_;
  std::set<std::string> used_;  // members, and parents of VLANs
};

RenderedFile dhcp_everywhere() {
  return file("90-dhcp.network",
              std::format("[Match]\nType=ether\nKind=!*\n\n[Network]\n{}\n[Link]\nRequiredForOnline=no\n", dhcp_lines));
}

}  // namespace

std::vector<RenderedFile> render_network(const model::Network& network) {
  std::vector<RenderedFile> files;
  files.reserve(network.nics.size() + network.bonds.size() + network.vlans.size() + network.bridges.size());
  for (const auto& nic : network.nics) files.push_back(nic_link(nic));
  for (const auto& bond : network.bonds) files.push_back(bond_netdev(bond));
  for (const auto& vlan : network.vlans) files.push_back(vlan_netdev(vlan));
  for (const auto& bridge : network.bridges) files.push_back(bridge_netdev(bridge));
  auto links = Links(network).files();
  std::ranges::move(links, std::back_inserter(files));
  if (network.interfaces.empty()) files.push_back(dhcp_everywhere());
  return files;
}

}  // namespace loam::netcfg
