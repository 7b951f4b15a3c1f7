#include "netcfg/networkd.hpp"

#include <gtest/gtest.h>

#include <map>

#include "model/parse.hpp"
#include "netcfg/hostname.hpp"
#include "netcfg/pins.hpp"

namespace loam::netcfg {
namespace {

std::map<std::string, std::string> rendered(const std::string& yaml) {
  const auto config = model::parse_config("version: 1\n" + yaml, "test");
  EXPECT_TRUE(config) << config.error().text();
  std::map<std::string, std::string> files;
  for (const auto& file : render_network(pinned_network(config->network, {})))
    files[file.path.substr(std::string("/etc/systemd/network/").size())] = file.content;
  return files;
}

constexpr auto rack = R"(network:
  nics:
    - {name: nic0, match: {mac: "52:54:00:00:00:01"}}
    - {name: nic1, match: {mac: "52:54:00:00:00:02"}}
  bonds:
    - {name: bond0, members: [nic0, nic1], mtu: 9000}
  vlans:
    - {name: storage, parent: bond0, id: 40, mtu: 9000}
  interfaces:
    - {link: bond0, addresses: [192.0.2.11/24, "2001:db8::11/64"], gateway: 192.0.2.1, gateway6: "fe80::1"}
    - {link: storage, dhcp4: true, ipv6: "off"}
  dns: {servers: [192.0.2.1]}
)";

TEST(Networkd, BondWithVlan) {
  const auto files = rendered(rack);
  EXPECT_EQ(files.at("10-nic0.link"),
            "[Match]\nPermanentMACAddress=52:54:00:00:00:01\n\n[Link]\nNamePolicy=\nName=nic0\n");
  EXPECT_EQ(files.at("20-bond0.netdev"),
            "[NetDev]\nName=bond0\nKind=bond\n\n[Bond]\nMode=802.3ad\nMinLinks=1\nLACPTransmitRate=fast\n"
            "AdSelect=bandwidth\nTransmitHashPolicy=layer3+4\nMIIMonitorSec=100ms\n");
  EXPECT_EQ(files.at("30-nic1.network"),
            "[Match]\nPermanentMACAddress=52:54:00:00:00:02\n\n[Link]\nMTUBytes=9000\n\n[Network]\nBond=bond0\n"
            "LLDP=yes\nEmitLLDP=yes\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n");
  EXPECT_EQ(files.at("30-bond0.network"),
            "[Match]\nName=bond0\n\n[Link]\nMTUBytes=9000\n\n[Network]\nVLAN=storage\nDHCP=no\nIPv6AcceptRA=yes\n"
            "LinkLocalAddressing=ipv6\nIgnoreCarrierLoss=yes\n"
            "DNS=192.0.2.1\n\n[Address]\nAddress=192.0.2.11/24\nDuplicateAddressDetection=ipv4\n\n[Address]\n"
            "Address=2001:db8::11/64\n\n[Route]\nGateway=192.0.2.1\n\n[Route]\nGateway=fe80::1\n");
  EXPECT_EQ(files.at("20-storage.netdev"), "[NetDev]\nName=storage\nKind=vlan\n\n[VLAN]\nId=40\n");
  EXPECT_EQ(files.at("30-storage.network"),
            "[Match]\nName=storage\n\n[Link]\nMTUBytes=9000\n\n[Network]\nDHCP=ipv4\nIPv6AcceptRA=no\n"
            "LinkLocalAddressing=no\nDNS=192.0.2.1\n\n[DHCPv4]\nClientIdentifier=mac\n");
  EXPECT_EQ(files.size(), 8U);
}

TEST(Networkd, EveryBondWatchesItsLinks) {
  for (const auto* const mode :
       {"802.3ad", "active-backup", "balance-rr", "balance-xor", "broadcast", "balance-tlb", "balance-alb"}) {
    const auto bond = [&](const std::string& more) {
      return rendered(
                 "network:\n  nics: [{name: e, match: {mac: \"52:54:00:00:00:01\"}}]\n  bonds: [{name: b, members: "
                 "[e], mode: " +
                 std::string(mode) + more + "}]\n")
          .at("20-b.netdev");
    };
    EXPECT_TRUE(bond("").contains("MIIMonitorSec=100ms\n")) << mode;
    if (std::string_view(mode) == "active-backup") {
      EXPECT_TRUE(bond(", arp_targets: [192.0.2.1, 192.0.2.2], arp_interval_ms: 200")
                      .contains("ARPIntervalSec=200ms\nARPIPTargets=192.0.2.1 192.0.2.2\n"));
    }
  }
}

TEST(Networkd, ActiveBackupPrefersItsPrimary) {
  const auto files = rendered(
      "network:\n  nics: [{name: a, match: {mac: \"52:54:00:00:00:01\"}}, {name: b, match: {mac: "
      "\"52:54:00:00:00:02\"}}]\n  bonds: [{name: x, members: [a, b], mode: active-backup, primary: b, "
      "primary_reselect: "
      "failure, miimon_ms: 50}]\n");
  EXPECT_EQ(files.at("20-x.netdev"),
            "[NetDev]\nName=x\nKind=bond\n\n[Bond]\nMode=active-backup\nMinLinks=1\n# has a "
            "primary\nPrimaryReselectPolicy=failure\n"
            "MIIMonitorSec=50ms\n");
  EXPECT_TRUE(files.at("30-b.network").contains("Bond=x\nPrimarySlave=yes\n"));
  EXPECT_FALSE(files.at("30-a.network").contains("PrimarySlave"));
}

TEST(Networkd, BridgeWithATrunk) {
  const auto bridge = [](const std::string& keys) {
    return rendered(
        "network:\n  nics: [{name: a, match: {mac: \"52:54:00:00:00:01\"}}]\n  bridges: [{name: br0, members: "
        "[a]" +
        keys + "}]\n");
  };
  EXPECT_EQ(bridge("").at("20-br0.netdev"),
            "[NetDev]\nName=br0\nKind=bridge\n\n[Bridge]\nVLANFiltering=yes\nDefaultPVID=1\n");
  EXPECT_TRUE(bridge("").at("30-a.network").ends_with("\n[BridgeVLAN]\nVLAN=2-4094\n"));
  EXPECT_TRUE(bridge(", trunk: [\"20\", 100-199]")
                  .at("30-a.network")
                  .ends_with("\n[BridgeVLAN]\nVLAN=20\n\n[BridgeVLAN]\nVLAN=100-199\n"));
  const auto plain = bridge(", vlan_filtering: false");
  EXPECT_TRUE(plain.at("20-br0.netdev").ends_with("VLANFiltering=no\n"));
  EXPECT_FALSE(plain.at("30-a.network").contains("BridgeVLAN"));
  const auto vlan = "}], vlans: [{name: v, parent: br0, id: 20";
  EXPECT_TRUE(
      rendered("network: {nics: [{name: a, match: {mac: \"52:54:00:00:00:01\"}}], bridges: [{name: br0, members: [a]" +
               std::string(vlan) + "}]}\n")
          .at("30-br0.network")
          .ends_with("\n[BridgeVLAN]\nVLAN=20\n"));
}

TEST(Networkd, RoutesAndRules) {
  const auto files = rendered(
      "network:\n  nics: [{name: a, match: {mac: \"52:54:00:00:00:01\"}}]\n  interfaces:\n    - link: a\n      dhcp4: "
      "true\n      ipv6: dhcp\n      routes: [{to: 10.0.0.0/8, via: 192.0.2.1, metric: 5, table: 100}, {to: "
      "198.51.100.0/24}]\n      rules: [{from: 192.0.2.0/24, table: 100}]\n");
  const auto& text = files.at("30-a.network");
  EXPECT_TRUE(text.contains("DHCP=yes\nIPv6AcceptRA=yes\n"));
  EXPECT_TRUE(text.contains("\n[IPv6AcceptRA]\nDHCPv6Client=always\n"));
  EXPECT_TRUE(text.contains("\n[Route]\nDestination=10.0.0.0/8\nGateway=192.0.2.1\nMetric=5\nTable=100\n"));
  EXPECT_TRUE(text.contains("\n[Route]\nDestination=198.51.100.0/24\n"));
  EXPECT_TRUE(text.ends_with("\n[RoutingPolicyRule]\nTable=100\nFrom=192.0.2.0/24\n"));
}

TEST(Networkd, WithoutInterfacesEveryNicAsksDhcp) {
  EXPECT_TRUE(rendered("hostname: a\n").contains("90-dhcp.network"));
  const auto named = rendered(
      "network:\n  nics: [{name: e0, match: {mac: \"52:54:00:00:00:01\"}}, {name: e1, match: {mac: "
      "\"52:54:00:00:00:02\"}}]\n  bonds: [{name: b, members: [e0]}]\n");
  const auto asks = [&](const char* name) {
    return named.at(std::string("30-") + name + ".network").contains("DHCP=yes");
  };
  EXPECT_TRUE(asks("b") && asks("e1")) << "a name takes no address away";
  EXPECT_FALSE(asks("e0")) << "a member has none of its own";
}

TEST(Networkd, UntilItsNicsAreKnownANodeCanBeReachedByDhcp) {
  const auto files = rendered(
      "network:\n  nics: [{name: a, match: {driver: ice}}]\n  interfaces: [{link: a, addresses: [192.0.2.11/24]}]\n");
  EXPECT_TRUE(files.contains("90-dhcp.network"));
  EXPECT_EQ(files.size(), 1U);
}

// Whatever is left out or said with its default renders the same.
TEST(Networkd, TheCanonicalTextRendersTheSame) {
  for (const auto& yaml : {std::string("version: 1\n") + rack, model::example_config()}) {
    const auto config = *model::parse_config(yaml, "a");
    const auto again = *model::parse_config(model::format_config(config), "b");
    EXPECT_EQ(render_network(pinned_network(config.network, {})), render_network(pinned_network(again.network, {})));
  }
}

TEST(Hostname, FromTheLowestMacOfANic) {
  const auto link = [](const char* kind, const char* mac) {
    Link made;
    made.kind = kind;
    made.mac = mac;
    return made;
  };
  EXPECT_EQ(fallback_hostname({link("bond", "00:00:00:00:00:01"), link("nic", "52:54:00:ab:cd:ef"),
                               link("nic", "52:54:00:00:00:02")}),
            "loam-000002");
  EXPECT_EQ(fallback_hostname({}), "loam");
}

}  // namespace
}  // namespace loam::netcfg
