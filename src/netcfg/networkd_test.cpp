#include "netcfg/networkd.hpp"

#include <gtest/gtest.h>

#include "model/parse.hpp"
#include "netcfg/hostname.hpp"

namespace loam::netcfg {
namespace {

std::map<std::string, std::string> rendered(const std::string& yaml) {
  const auto config = model::parse_config("version: 1\n" + yaml, "test");
  EXPECT_TRUE(config) << config.error().text();
  std::map<std::string, std::string> files;
  for (const auto& file : render_network(config->network)) files[file.path] = file.content;
  return files;
}

constexpr auto bond = R"(network:
  nics:
    - {name: eth0, match: {mac: "52:54:00:00:00:01"}}
    - {name: eth1, match: {mac: "52:54:00:00:00:02"}}
  bonds:
    - {name: bond0, members: [eth0, eth1], mtu: 9000}
  vlans:
    - {name: storage, parent: bond0, id: 40}
  interfaces:
    - {link: bond0, addresses: [192.0.2.11/24], gateway: 192.0.2.1, ipv6: "off"}
    - {link: storage, dhcp4: true}
  dns: {servers: [192.0.2.1]}
)";

TEST(Networkd, BondWithVlan) {
  const auto files = rendered(bond);
  EXPECT_EQ(files.at("/etc/systemd/network/10-eth0.link"),
            "[Match]\nPermanentMACAddress=52:54:00:00:00:01\n\n[Link]\nNamePolicy=\nName=eth0\n");
  EXPECT_EQ(files.at("/etc/systemd/network/20-bond0.netdev"),
            "[NetDev]\nName=bond0\nKind=bond\nMTUBytes=9000\n\n[Bond]\nMode=802.3ad\nMinLinks=1\nLACPTransmitRate="
            "fast\nAdSelect=bandwidth\n"
            "TransmitHashPolicy=layer3+4\nMIIMonitorSec=100ms\n");
  EXPECT_EQ(files.at("/etc/systemd/network/30-eth1.network"),
            "[Match]\nName=eth1\n\n[Link]\nMTUBytes=9000\n\n[Network]\nBond=bond0\nLinkLocalAddressing="
            "no\nIPv6AcceptRA=no\n");
  EXPECT_EQ(files.at("/etc/systemd/network/30-bond0.network"),
            "[Match]\nName=bond0\n\n[Link]\nMTUBytes=9000\n\n[Network]\nVLAN=storage\nDHCP=no\nIPv6AcceptRA="
            "no\nLinkLocalAddressing=no\n"
            "LLDP=yes\nEmitLLDP=yes\nAddress=192.0.2.11/24\nGateway=192.0.2.1\nDNS=192.0.2.1\n");
  EXPECT_EQ(files.at("/etc/systemd/network/20-storage.netdev"), "[NetDev]\nName=storage\nKind=vlan\n\n[VLAN]\nId=40\n");
  EXPECT_EQ(files.size(), 8U);
}

TEST(Networkd, EveryBondWatchesItsLinks) {
  for (const auto* const mode :
       {"802.3ad", "active-backup", "balance-rr", "balance-xor", "broadcast", "balance-tlb", "balance-alb"}) {
    const auto files = rendered(
        std::string("network:\n  nics: [{name: e, match: {driver: x}}]\n  bonds: [{name: b, members: [e], mode: ") +
        mode + "}]\n");
    EXPECT_NE(files.at("/etc/systemd/network/20-b.netdev").find("MIIMonitorSec=100ms"), std::string::npos) << mode;
  }
}

TEST(Networkd, WithoutInterfacesEveryNicAsksDhcp) {
  EXPECT_TRUE(rendered("hostname: a\n").contains("/etc/systemd/network/90-dhcp.network"));
  const auto named = rendered(
      "network:\n  nics: [{name: e0, match: {driver: x}}, {name: e1, match: {driver: y}}]\n"
      "  bonds: [{name: b, members: [e0]}]\n");
  const auto asks = [&](const char* name) {
    return named.at(std::string("/etc/systemd/network/30-") + name + ".network").contains("DHCP=yes");
  };
  EXPECT_TRUE(asks("b") && asks("e1")) << "a name takes no address away";
  EXPECT_FALSE(asks("e0")) << "a member has none of its own";
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
