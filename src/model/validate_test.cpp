// What a network section must not say, and the words in which it is refused.
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "model/parse.hpp"

namespace loam::model {
namespace {

struct Bad {
  const char* about;
  std::string yaml;  // behind "version: 1"
  const char* problem;
};

// NOLINTNEXTLINE(readability-identifier-naming): GoogleTest's name
void PrintTo(const Bad& bad, std::ostream* out) { *out << bad.about; }

class BadNetwork : public ::testing::TestWithParam<Bad> {};

TEST_P(BadNetwork, IsRefusedInTheseWords) {
  const auto report = parse_config_report("version: 1\n" + GetParam().yaml, "f");
  ASSERT_EQ(report.problems.size(), 1U) << ::testing::PrintToString(report.problems);
  // Behind "f:LINE:COLUMN: ".
  const auto& found = report.problems.front();
  const auto text = found.substr(found.find(": ") + 2);
  EXPECT_EQ(text, GetParam().problem);
}

// Two NICs a and b, and what else a test wants.
std::string net(const std::string& more) {
  return "network:\n  nics: [{name: a, match: {pci: \"0000:01:00.0\"}}, {name: b, match: {driver: ice}}]\n  " + more +
         "\n";
}
std::string nics(const std::string& list) { return "network: {nics: [" + list + "]}\n"; }
std::string bond(const std::string& keys) { return net("bonds: [{name: bond0, " + keys + "}]"); }
std::string on_a(const std::string& keys) { return net("interfaces: [{link: a, " + keys + "}]"); }
std::string on_both(const std::string& first, const std::string& second) {
  return net("interfaces: [{link: a, " + first + "}, {link: b, " + second + "}]");
}
std::string cluster(const std::string& keys, const std::string& interface = "addresses: [192.0.2.11/24]") {
  return on_a("roles: [cluster], " + interface) + "cluster: {name: c, " + keys + "}\n";
}

INSTANTIATE_TEST_SUITE_P(
    Names, BadNetwork,
    ::testing::Values(
        Bad{"a kernel's name", nics("{name: eth0, match: {driver: ice}}"),
            "network.nics[0].name: the kernel gives the name \"eth0\" itself, and not always to the same NIC; choose "
            "another, such as nic0"},
        Bad{"loopback", nics("{name: lo, match: {driver: ice}}"),
            "network.nics[0].name: \"lo\" is a name of the kernel's own; choose another"},
        Bad{"a sysctl's name", net("bridges: [{name: all, members: []}]"),
            "network.bridges[0].name: \"all\" is a name of the kernel's own; choose another"},
        Bad{"a name twice", net("bonds: [{name: a, members: [b]}]"),
            "network.bonds[0].name: the name \"a\" is taken by network.nics[0]"},
        Bad{"too long", nics("{name: abcdefghijklmnop, match: {driver: ice}}"),
            "network.nics[0].name: expected an interface name of at most 15 characters such as bond0, found "
            "\"abcdefghijklmnop\""},
        Bad{"an empty match", nics("{name: a, match: {}}"),
            "network.nics[0].match: says nothing about the NIC; name its mac, pci, driver, min_speed or carrier"},
        Bad{"without a cable", nics("{name: a, match: {driver: ice, carrier: false}}"),
            "network.nics[0].match.carrier: a NIC without a cable cannot be asked for; leave it out"},
        Bad{"a group's MAC", nics("{name: a, match: {mac: \"01:00:5e:00:00:01\"}}"),
            "network.nics[0].match.mac: 01:00:5e:00:00:01 is a group's address, which no NIC has"},
        Bad{"zero MAC", nics("{name: a, match: {mac: \"00:00:00:00:00:00\"}}"),
            "network.nics[0].match.mac: is all zeros, which no NIC has"},
        Bad{"half a MAC", nics("{name: a, match: {mac: \"52:54:00\"}}"),
            "network.nics[0].match.mac: expected a MAC address such as 52:54:00:12:34:56, found \"52:54:00\""},
        Bad{"one MAC for two",
            nics("{name: a, match: {mac: \"52:54:00:00:00:0a\"}}, {name: b, match: {mac: \"52:54:00:00:00:0A\"}}"),
            "network.nics[1].match.mac: 52:54:00:00:00:0a is what network.nics[0].match.mac says already"},
        Bad{"one slot for two",
            nics("{name: a, match: {pci: \"0000:01:00.0\"}}, {name: b, match: {pci: \"0000:01:00.0\"}}"),
            "network.nics[1].match.pci: 0000:01:00.0 is what network.nics[0].match.pci says already"},
        Bad{"speed of nothing", nics("{name: a, match: {min_speed: 0}}"),
            "network.nics[0].match.min_speed: expected a whole number from 1 to 1000000, found \"0\""}));

std::string firewall(const std::string& keys) {
  return on_a("roles: [management], dhcp4: true") + "  firewall: {" + keys + "}\n";
}

INSTANTIATE_TEST_SUITE_P(
    Firewalls, BadNetwork,
    ::testing::Values(
        Bad{"no port", firewall("allow: [{protocol: udp}]"),
            "network.firewall.allow[0]: \"port\" is missing: port, or a range of them"},
        Bad{"port 0", firewall("allow: [{port: 0}]"),
            "network.firewall.allow[0].port: expected ports from 1 to 65535 such as 9000 or 9000-9010, found \"0\""},
        Bad{"ports backwards", firewall("allow: [{port: 9010-9000}]"),
            "network.firewall.allow[0].port: expected ports from 1 to 65535 such as 9000 or 9000-9010, found "
            "\"9010-9000\""},
        Bad{"too high a port", firewall("allow: [{port: 65536}]"),
            "network.firewall.allow[0].port: expected ports from 1 to 65535 such as 9000 or 9000-9010, found "
            "\"65536\""},
        Bad{"no protocol", firewall("allow: [{port: 1, protocol: icmp}]"),
            "network.firewall.allow[0].protocol: expected one of tcp, udp, found \"icmp\"; did you mean \"tcp\"?"},
        Bad{"a host as network", firewall("allow: [{port: 1, from: 192.0.2.1/24}]"),
            "network.firewall.allow[0].from: 192.0.2.1/24 has bits behind its prefix; 192.0.2.0/24 is the network"},
        Bad{"a host among networks", firewall("networks: [\"2001:db8::1/64\"]"),
            "network.firewall.networks[0]: 2001:db8::1/64 has bits behind its prefix; 2001:db8::/64 is the network"},
        Bad{"a role twice", firewall("allow: [{port: 1, roles: [management, management]}]"),
            "network.firewall.allow[0].roles: management stands here twice"},
        Bad{"a role that nothing has", firewall("allow: [{port: 1, roles: [cluster]}]"),
            "network.firewall.allow[0].roles: no interface of this file has the role cluster, so nothing is admitted"},
        Bad{"twice", firewall("allow: [{port: 1}, {port: 2}, {port: 1}]"),
            "network.firewall.allow[2]: is what network.firewall.allow[0] says already"}));

INSTANTIATE_TEST_SUITE_P(
    Bonds, BadNetwork,
    ::testing::Values(
        Bad{"no members", bond("mode: 802.3ad"), "network.bonds[0]: a bond needs members, or select to choose them"},
        Bad{"unknown member", bond("members: [c]"),
            "network.bonds[0].members[0]: there is no NIC, bond, VLAN or bridge \"c\" in this file"},
        Bad{"member twice", bond("members: [a, a]"),
            "network.bonds[0].members[1]: \"a\" is a member of network.bonds[0].members[0] already"},
        Bad{"member of two", net("bonds: [{name: x, members: [a]}, {name: y, members: [a, b]}]"),
            "network.bonds[1].members[0]: \"a\" is a member of network.bonds[0].members[0] already"},
        Bad{"a VLAN in a bond", net("vlans: [{name: v, parent: a, id: 5}]\n  bonds: [{name: bond0, members: [b, v]}]"),
            "network.bonds[0].members[1]: \"v\" is a VLAN; members of a bond are NICs"},
        Bad{"a bond in a bond", net("bonds: [{name: x, members: [a]}, {name: y, members: [b, x]}]"),
            "network.bonds[1].members[1]: \"x\" is a bond; members of a bond are NICs"},
        Bad{"members and select", bond("members: [a], select: {min_speed: 25000}"),
            "network.bonds[0].members: give either members or select"},
        Bad{"select nothing", bond("select: {}"),
            "network.bonds[0].select: says nothing about the NIC; name its mac, pci, driver, min_speed or carrier"},
        Bad{"select with a long name", net("bonds: [{name: abcdefghijklm, select: {carrier: true}}]"),
            "network.bonds[0].name: may have 12 characters, since its members are called abcdefghijklmp0, "
            "abcdefghijklmp1"},
        Bad{"select with a primary", bond("select: {carrier: true}, mode: active-backup, primary: a"),
            "network.bonds[0].primary: needs members: those that select finds have no names yet"},
        Bad{"primary that is none", bond("members: [a], mode: active-backup, primary: b"),
            "network.bonds[0].primary: \"b\" is no member of this bond"},
        Bad{"primary of LACP", bond("members: [a, b], primary: a"),
            "network.bonds[0].primary: mode 802.3ad has no primary"},
        Bad{"min_links of no LACP", bond("members: [a, b], mode: active-backup, min_links: 2"),
            "network.bonds[0].min_links: only 802.3ad knows it; mode active-backup is up with one member"},
        Bad{"never up", bond("members: [a, b], min_links: 3"),
            "network.bonds[0].min_links: the bond has 2 members, so it would never be up"},
        Bad{"ARP with LACP", bond("members: [a, b], arp_targets: [192.0.2.1]"),
            "network.bonds[0].arp_targets: mode 802.3ad watches the carrier only; leave them out"},
        Bad{"ARP of IPv6", bond("members: [a, b], mode: active-backup, arp_targets: [\"2001:db8::1\"]"),
            "network.bonds[0].arp_targets: 2001:db8::1 is no IPv4 address"},
        Bad{"no monitor", bond("members: [a, b], miimon_ms: 0"),
            "network.bonds[0].miimon_ms: expected a whole number from 10 to 10000, found \"0\""},
        Bad{"unknown mode", bond("members: [a, b], mode: lacp"),
            "network.bonds[0].mode: expected one of 802.3ad, active-backup, balance-rr, balance-xor, broadcast, "
            "balance-tlb, balance-alb, found \"lacp\""},
        Bad{"unknown rate", bond("members: [a, b], lacp_rate: fas"),
            "network.bonds[0].lacp_rate: expected one of slow, fast, found \"fas\"; did you mean \"fast\"?"},
        Bad{"unknown hash", bond("members: [a, b], hash_policy: layer3"),
            "network.bonds[0].hash_policy: expected one of layer2, layer2+3, layer3+4, encap2+3, "
            "encap3+4, found \"layer3\"; did you mean \"layer2\"?"}));

INSTANTIATE_TEST_SUITE_P(
    VlansAndBridges, BadNetwork,
    ::testing::Values(
        Bad{"VLAN 0", net("vlans: [{name: v, parent: a, id: 0}]"),
            "network.vlans[0].id: expected a whole number from 1 to 4094, found \"0\""},
        Bad{"VLAN 4095", net("vlans: [{name: v, parent: a, id: 4095}]"),
            "network.vlans[0].id: expected a whole number from 1 to 4094, found \"4095\""},
        Bad{"no parent", net("vlans: [{name: v, parent: x, id: 5}]"),
            "network.vlans[0].parent: there is no NIC, bond, VLAN or bridge \"x\" in this file"},
        Bad{"VLAN on a VLAN", net("vlans: [{name: v, parent: a, id: 5}, {name: w, parent: v, id: 6}]"),
            "network.vlans[1].parent: \"v\" is a VLAN; a VLAN stands on a NIC, bond or bridge"},
        Bad{"VLAN on a member", net("bonds: [{name: x, members: [a, b]}]\n  vlans: [{name: v, parent: a, id: 5}]"),
            "network.vlans[0].parent: \"a\" is a member of network.bonds[0].members[0]; put the VLAN on what it is a "
            "member of"},
        Bad{"an id twice", net("vlans: [{name: v, parent: a, id: 5}, {name: w, parent: a, id: 5}]"),
            "network.vlans[1].id: 5 on \"a\" is network.vlans[0] already"},
        Bad{"bridge in a bridge", net("bridges: [{name: x, members: [a]}, {name: y, members: [x]}]"),
            "network.bridges[1].members[0]: \"x\" is a bridge; a bridge cannot be in a bridge"},
        Bad{"in a bond and a bridge", net("bonds: [{name: x, members: [a]}]\n  bridges: [{name: y, members: [a]}]"),
            "network.bridges[0].members[0]: \"a\" is a member of network.bonds[0].members[0] already"},
        Bad{"trunk without filtering", net("bridges: [{name: x, members: [a], vlan_filtering: false, trunk: [\"5\"]}]"),
            "network.bridges[0].trunk: needs vlan_filtering: without it every VLAN passes"},
        Bad{"a bridge on itself", net("bridges: [{name: x, members: [v]}]\n  vlans: [{name: v, parent: x, id: 30}]"),
            "network.bridges[0].members[0]: \"v\" stands on this bridge itself"},
        Bad{"bridges in a ring",
            net("bridges: [{name: x, members: [v]}, {name: y, members: [w]}]\n  vlans: [{name: v, parent: y, id: 30}, "
                "{name: w, parent: x, id: 30}]"),
            "network.bridges[0].members[0]: \"v\" stands on this bridge itself"},
        Bad{"VLAN outside of the trunk",
            net("bridges: [{name: x, members: [a], trunk: [20-29]}]\n  vlans: [{name: v, parent: x, id: 30}]"),
            "network.vlans[0].id: 30 is not in the trunk of \"x\": its frames would pass no member"},
        Bad{"trunk backwards", net("bridges: [{name: x, members: [a], trunk: [20-10]}]"),
            "network.bridges[0].trunk[0]: expected VLANs from 1 to 4094 such as 100-199 or 20, found \"20-10\""},
        Bad{"small frames", net("bridges: [{name: x, members: [a], mtu: 1000}]"),
            "network.bridges[0].mtu: expected a whole number from 1280 to 9216, found \"1000\""},
        Bad{"huge frames", bond("members: [a, b], mtu: 9217"),
            "network.bonds[0].mtu: expected a whole number from 1280 to 9216, found \"9217\""},
        Bad{"VLAN larger than its parent", net("vlans: [{name: v, parent: a, id: 5, mtu: 9000}]"),
            "network.vlans[0].mtu: 9000 is more than the 1500 of its parent a"},
        Bad{"bridge larger than a member", net("bridges: [{name: x, members: [a], mtu: 9000}]"),
            "network.bridges[0].mtu: 9000 is more than the 1500 of its member a"},
        Bad{"member of another size",
            "network: {nics: [{name: a, match: {driver: x}, mtu: 1500}], bonds: [{name: x, members: [a], mtu: "
            "9000}]}\n",
            "network.nics[0].mtu: 1500 is not the 9000 of network.bonds[0], which gives its members its own; set it "
            "there only"}));

INSTANTIATE_TEST_SUITE_P(
    Addresses, BadNetwork,
    ::testing::Values(
        Bad{"unknown link", net("interfaces: [{link: x, dhcp4: true}]"),
            "network.interfaces[0].link: there is no NIC, bond, VLAN or bridge \"x\" in this file"},
        Bad{"link twice", net("interfaces: [{link: a, dhcp4: true}, {link: a, dhcp4: true}]"),
            "network.interfaces[1]: \"a\" is configured by network.interfaces[0] already"},
        Bad{"on a member", net("bonds: [{name: x, members: [a]}]\n  interfaces: [{link: a, dhcp4: true}]"),
            "network.interfaces[0].link: \"a\" is a member of x; the addresses belong there"},
        Bad{"on a bridge's member", net("bridges: [{name: x, members: [a]}]\n  interfaces: [{link: a, dhcp4: true}]"),
            "network.interfaces[0].link: \"a\" is a member of x; the addresses belong there"},
        Bad{"no prefix", on_a("addresses: [192.0.2.1]"),
            "network.interfaces[0].addresses[0]: expected an address with prefix length such as 192.0.2.10/24, found "
            "\"192.0.2.1\""},
        Bad{"the network itself", on_a("addresses: [192.0.2.0/24]"),
            "network.interfaces[0].addresses[0]: 192.0.2.0/24 is the network itself, not a host in it"},
        Bad{"broadcast", on_a("addresses: [192.0.2.255/24]"),
            "network.interfaces[0].addresses[0]: 192.0.2.255/24 is the broadcast address of its network"},
        Bad{"loopback address", on_a("addresses: [127.0.0.2/8]"),
            "network.interfaces[0].addresses[0]: 127.0.0.2 is no address that an interface can have"},
        Bad{"multicast", on_a("addresses: [224.0.0.5/24]"),
            "network.interfaces[0].addresses[0]: 224.0.0.5 is no address that an interface can have"},
        Bad{"link-local", on_a("addresses: [\"fe80::1/64\"]"),
            "network.interfaces[0].addresses[0]: fe80::1 is link-local; interfaces take those by themselves"},
        Bad{"the whole world", on_a("addresses: [192.0.2.1/0]"),
            "network.interfaces[0].addresses[0]: a prefix of 0 would be the whole world; give that of the network"},
        Bad{"IPv6 is off", on_a("ipv6: \"off\", addresses: [\"2001:db8::1/64\"]"),
            "network.interfaces[0].addresses[0]: is an IPv6 address, and ipv6 is off here"},
        Bad{"an address twice", on_both("addresses: [192.0.2.1/32]", "addresses: [192.0.2.1/32]"),
            "network.interfaces[1].addresses[0]: the address 192.0.2.1 stands in network.interfaces[0].addresses[0] "
            "already"},
        Bad{"overlapping networks", on_both("addresses: [10.0.0.1/8]", "addresses: [10.1.0.1/16]"),
            "network.interfaces[1].addresses[0]: 10.1.0.0/16 overlaps 10.0.0.0/8 of "
            "network.interfaces[0].addresses[0]; two interfaces in one network answer for each other"},
        Bad{"role twice", on_both("dhcp4: true, roles: [management]", "dhcp4: true, roles: [management]"),
            "network.interfaces[1].roles: management is what network.interfaces[0] carries already"},
        Bad{"vm without a bridge", on_a("dhcp4: true, roles: [vm]"),
            "network.interfaces[0].roles: vm needs a bridge, which virtual machines can be connected to"},
        Bad{"a role without an address", on_a("ipv6: \"off\", roles: [cluster]"),
            "network.interfaces[0]: has roles that need an address, and no address, dhcp4 or ipv6"}));

INSTANTIATE_TEST_SUITE_P(
    Routes, BadNetwork,
    ::testing::Values(
        Bad{"gateway elsewhere", on_a("addresses: [192.0.2.11/24], gateway: 192.0.3.1"),
            "network.interfaces[0].gateway: 192.0.3.1 is in no network of this interface"},
        Bad{"gateway with DHCP", on_a("dhcp4: true, gateway: 192.0.3.1"),
            "network.interfaces[0].gateway: 192.0.3.1 is in no network of this interface; what DHCP or SLAAC gives "
            "brings its own gateway"},
        Bad{"gateway is itself", on_a("addresses: [192.0.2.11/24], gateway: 192.0.2.11"),
            "network.interfaces[0].gateway: 192.0.2.11 is this node's own address"},
        Bad{"gateway is the network", on_a("addresses: [192.0.2.11/24], gateway: 192.0.2.0"),
            "network.interfaces[0].gateway: 192.0.2.0 is the network or broadcast address of 192.0.2.0/24"},
        Bad{"gateway6 of IPv4", on_a("addresses: [192.0.2.11/24], gateway6: 192.0.2.1"),
            "network.interfaces[0].gateway6: is an IPv4 address; give it as gateway"},
        Bad{"two gateways",
            on_both("addresses: [192.0.2.11/24], gateway: 192.0.2.1", "addresses: [192.0.3.11/24], gateway: 192.0.3.1"),
            "network.interfaces[1].gateway: network.interfaces[0].gateway is the default gateway of IPv4 already; use "
            "routes with a metric or a table"},
        Bad{"route with host bits", on_a("addresses: [192.0.2.11/24], routes: [{to: 10.0.0.5/8, via: 192.0.2.1}]"),
            "network.interfaces[0].routes[0].to: 10.0.0.5/8 has bits behind its prefix; 10.0.0.0/8 is the network"},
        Bad{"route of two families",
            on_a("addresses: [192.0.2.11/24], routes: [{to: 10.0.0.0/8, via: \"2001:db8::1\"}]"),
            "network.interfaces[0].routes[0].via: is IPv6, to is IPv4"},
        Bad{"route by elsewhere", on_a("addresses: [192.0.2.11/24], routes: [{to: 10.0.0.0/8, via: 192.0.9.1}]"),
            "network.interfaces[0].routes[0].via: 192.0.9.1 is in no network of this interface"},
        Bad{"a route twice",
            on_a("addresses: [192.0.2.11/24], routes: [{to: 10.0.0.0/8, via: 192.0.2.1}, {to: 10.0.0.0/8, via: "
                 "192.0.2.2}]"),
            "network.interfaces[0].routes[1]: 10.0.0.0/8 in table 254 with metric 0 is what "
            "network.interfaces[0].routes[0] says already"},
        Bad{"a rule for nothing", on_a("dhcp4: true, rules: [{table: 254}]"),
            "network.interfaces[0].rules[0]: needs from or to"},
        Bad{"a rule into nowhere", on_a("dhcp4: true, rules: [{table: 100, from: 192.0.2.0/24}]"),
            "network.interfaces[0].rules[0].table: no route of this file is in table 100, so the rule would do "
            "nothing"},
        Bad{"a rule of two families", on_a("dhcp4: true, rules: [{table: 254, from: 192.0.2.0/24, to: \"::/0\"}]"),
            "network.interfaces[0].rules[0]: from and to are of different families"},
        Bad{"DNS twice", "network: {dns: {servers: [192.0.2.1, 192.0.2.1]}}\n",
            "network.dns.servers[1]: 192.0.2.1 stands here twice"},
        Bad{"DNS of nobody", "network: {dns: {servers: [0.0.0.0]}}\n",
            "network.dns.servers[0]: 0.0.0.0 is no server that can be asked"},
        Bad{"no time to confirm", "network: {confirm_timeout: 5s}\n", "network.confirm_timeout: expected 30s to 1h"}));

INSTANTIATE_TEST_SUITE_P(
    Clusters, BadNetwork,
    ::testing::Values(
        Bad{"no interface for it", on_a("dhcp4: true") + "cluster: {name: c}\n",
            "network.interfaces: none has the role cluster, which the section cluster needs"},
        Bad{"pods over services", cluster("pod_network: 10.96.0.0/16"),
            "cluster.service_network: 10.96.0.0/12 overlaps 10.96.0.0/16 of cluster.pod_network"},
        Bad{"pods over hosts", cluster("pod_network: 192.0.0.0/16"),
            "cluster.pod_network: 192.0.0.0/16 overlaps 192.0.2.0/24 of network.interfaces[0].addresses[0]"},
        Bad{"services over hosts", cluster("role: worker", "addresses: [10.100.0.5/24]"),
            "cluster.service_network: 10.96.0.0/12 overlaps 10.100.0.0/24 of network.interfaces[0].addresses[0]"},
        Bad{"pods over a route",
            cluster("role: worker", "addresses: [192.0.2.11/24], routes: [{to: 10.244.7.0/24, via: 192.0.2.1}]"),
            "cluster.pod_network: 10.244.0.0/16 overlaps 10.244.7.0/24 of network.interfaces[0].routes[0].to"},
        Bad{"services too large", cluster("service_network: 172.0.0.0/8"),
            "cluster.service_network: is too large; Kubernetes takes /12 or longer"},
        Bad{"a range with host bits", cluster("pod_network: 10.244.0.1/16"),
            "cluster.pod_network: 10.244.0.1/16 has bits behind its prefix; 10.244.0.0/16 is the network"},
        Bad{"pods over DNS", "network: {dns: {servers: [10.244.0.53]}}\ncluster: {name: c}\n",
            "cluster.pod_network: 10.244.0.0/16 holds 10.244.0.53 of network.dns.servers[0]"},
        Bad{"VIP is the node", cluster("vip: 192.0.2.11/24"),
            "cluster.vip: 192.0.2.11 is this node's own address in network.interfaces[0].addresses[0]; the VIP moves "
            "between nodes"},
        Bad{"VIP is the gateway", cluster("vip: 192.0.2.1/24", "addresses: [192.0.2.11/24], gateway: 192.0.2.1"),
            "cluster.vip: 192.0.2.1 is the gateway of network.interfaces[0]"},
        Bad{"VIP elsewhere", cluster("vip: 192.0.9.9/24"),
            "cluster.vip: 192.0.9.9 is in no network of a, which carries the cluster (network.interfaces[0])"},
        Bad{"VIP of the other family", cluster("vip: \"2001:db8::9/64\"", "addresses: [192.0.2.11/24], ipv6: \"off\""),
            "cluster.vip: 2001:db8::9 is in no network of a, which carries the cluster (network.interfaces[0])"},
        Bad{"VIP is the broadcast", cluster("vip: 192.0.2.255/24"),
            "cluster.vip: 192.0.2.255 is the network or broadcast address of 192.0.2.0/24"}));

TEST(Validate, PositionIsThatOfTheKey) {
  const auto report = parse_config_report("version: 1\n" + on_a("addresses: [192.0.2.11/24], gateway: 192.0.3.1"), "f");
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_TRUE(report.problems.front().starts_with("f:4:54: network.interfaces[0].gateway: "))
      << report.problems.front();
}

TEST(Validate, WhatIsUsualIsGood) {
  for (const auto& good :
       {on_a(R"(addresses: [192.0.2.11/24, "2001:db8::11/64"], gateway: 192.0.2.1, gateway6: "fe80::1")"),
        on_a("addresses: [192.0.2.0/31], gateway: 192.0.2.1"),
        on_a("dhcp4: true, ipv6: dhcp, routes: [{to: 10.0.0.0/8, via: 192.0.2.1}]"),
        on_both("addresses: [192.0.2.11/24], routes: [{to: 0.0.0.0/0, via: 192.0.2.1, table: 100}], rules: [{table: "
                "100, from: 192.0.2.0/24}]",
                "addresses: [192.0.3.11/24], gateway: 192.0.3.1"),
        net("bonds: [{name: bond0, members: [a, b], mtu: 9000}]\n  vlans: [{name: v, parent: bond0, id: 5, mtu: "
            "9000}]\n  bridges: [{name: br0, members: [bond0], mtu: 9000, trunk: [\"5\", 100-199]}]"),
        net("bonds: [{name: bond0, select: {min_speed: 25000, carrier: true}}]"), cluster("vip: 192.0.2.100/24")}) {
    const auto report = parse_config_report("version: 1\n" + good, "f");
    EXPECT_TRUE(report.problems.empty()) << good << ::testing::PrintToString(report.problems);
  }
}

}  // namespace
}  // namespace loam::model
