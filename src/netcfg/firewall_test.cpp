#include "netcfg/firewall.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <charconv>
#include <format>
#include <map>
#include <set>

#include "base/text.hpp"
#include "model/describe.hpp"
#include "model/parse.hpp"
#include "netcfg/pins.hpp"

namespace loam::netcfg {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto key =
    "access: {ssh_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx8xC1cPz1vZxWv6m3tYy5c1i3Nq2d8Jb0mUuYkq0aB a@b]}\n";

std::string rendered(const std::string& yaml) {
  auto config = model::parse_config("version: 1\n" + yaml, "test");
  EXPECT_TRUE(config) << config.error().text();
  config->network = pinned_network(config->network, {});
  return render_firewall(*config).content;
}

std::string network(const std::string& interfaces, const std::string& firewall = "") {
  return "network:\n  nics: [{name: a, match: {mac: \"52:54:00:00:00:01\"}}, {name: b, match: {mac: "
         "\"52:54:00:00:00:02\"}}]\n  interfaces: [" +
         interfaces + "]\n" + (firewall.empty() ? "" : "  firewall: {" + firewall + "}\n");
}

// The lines of a chain.
std::vector<std::string> chain(const std::string& text, const std::string& name) {
  const auto head = std::format("\tchain {} {{\n", name);
  const auto begin = text.find(head);
  if (begin == std::string::npos) return {};
  const auto from = begin + head.size();
  std::vector<std::string> lines;
  for (const auto line : split(std::string_view(text).substr(from, text.find("\n\t}\n", from) - from), '\n'))
    lines.emplace_back(trim(line));
  return lines;
}

TEST(Firewall, NodeThatStandsAlone) {
  EXPECT_EQ(rendered(key + network("{link: a, roles: [management], addresses: [192.0.2.11/24], ipv6: \"off\"}")),
            R"(# Made by Loam from loam.yaml. nft list counters table inet loam: what was refused, and why.
table inet loam
delete table inet loam
table inet loam {
	counter refused_invalid {
		comment "of no connection that this node knows"
	}
	counter refused_elsewhere {
		comment "to a port that is open on another interface, or to other networks"
	}
	counter refused_port {
		comment "to what no role in loam.yaml needs"
	}
	counter refused_broadcast {
		comment "to everybody on a link, not to this node alone"
	}
	counter refused_routed {
		comment "through this node from one of its networks into another"
	}
	set tcp_ports {
		type inet_service
		flags interval
		auto-merge
		elements = { 22, 9100 }
	}
	set udp_ports {
		type inet_service
		flags interval
		auto-merge
	}
	chain input {
		type filter hook input priority filter + 10; policy drop;
		iifname "lo" accept
		ct state established,related accept comment "answers, and errors about what this node sends"
		icmp type { echo-request, destination-unreachable, time-exceeded, parameter-problem } accept
		ip6 hoplimit 255 icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert, nd-redirect } accept comment "only from the link itself"
		ip6 saddr fe80::/10 icmpv6 type mld-listener-query accept
		icmpv6 type { echo-request, destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept
		udp sport 67 udp dport 68 accept comment "DHCP: answers to what was asked by broadcast"
		ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept comment "DHCPv6: the same by multicast"
		ct state invalid goto refused_invalid
		iifname vmap { "a" : goto on_a }
		goto refused
	}
	chain on_a {
		tcp dport 22 accept comment "ssh"
		ip saddr { 192.0.2.0/24 } tcp dport 9100 accept comment "metrics"
		goto refused
	}
	chain refused {
		meta pkttype { broadcast, multicast } goto refused_broadcast
		tcp dport @tcp_ports goto refused_elsewhere
		udp dport @udp_ports goto refused_elsewhere
		goto refused_port
	}
	chain refused_invalid {
		limit rate 10/minute burst 20 packets log prefix "loam refuses (of no connection): " level info
		counter name refused_invalid drop
	}
	chain refused_elsewhere {
		limit rate 10/minute burst 20 packets log prefix "loam refuses (not from there): " level info
		counter name refused_elsewhere drop
	}
	chain refused_port {
		limit rate 10/minute burst 20 packets log prefix "loam refuses (no role needs it): " level info
		counter name refused_port drop
	}
	chain refused_broadcast {
		counter name refused_broadcast drop
	}
	chain refused_routed {
		limit rate 10/minute burst 20 packets log prefix "loam refuses (no router): " level info
		counter name refused_routed drop
	}
}
)");
}

TEST(Firewall, ControlPlane) {
  const auto text = rendered(
      key +
      network("{link: a, roles: [management, cluster], addresses: [192.0.2.11/24], routes: [{to: 198.51.100.0/24, "
              "via: 192.0.2.1}]}, {link: b, roles: [storage-cluster], addresses: [10.0.4.1/24]}") +
      "cluster: {name: c, vip: 192.0.2.5/24, join: [203.0.113.9, node-2]}\n");
  const std::string near = "ip saddr { 192.0.2.0/24, 198.51.100.0/24, 203.0.113.9/32 } ";
  const std::vector<std::string> cluster = {
      "tcp dport 22 accept comment \"ssh\"",
      near + "tcp dport 9100 accept comment \"metrics\"",
      "tcp dport 6443 accept comment \"API server\"",
      near + "tcp dport 2379-2380 accept comment \"etcd\"",
      near + "tcp dport 10250 accept comment \"kubelet\"",
      near + "udp dport 8472 accept comment \"VXLAN of pods\"",
      near + "tcp dport 4240 accept comment \"health of Cilium\"",
      "tcp dport 30000-32767 accept comment \"services (NodePort)\"",
      "udp dport 30000-32767 accept comment \"services (NodePort)\"",
      near + "tcp dport 3300 accept comment \"monitors of Ceph\"",
      near + "tcp dport 6789 accept comment \"monitors of Ceph\"",
      near + "tcp dport 6800-7568 accept comment \"OSDs and other daemons of Ceph\"",
      near + "tcp dport 9283 accept comment \"metrics of Ceph\"",
      near + "tcp dport 9926 accept comment \"metrics of Ceph\"",
      "tcp dport 80 accept comment \"object storage\"",
      "tcp dport 443 accept comment \"object storage\"",
      "tcp dport 7480 accept comment \"object storage\"",
      near + "tcp dport 49152-49215 accept comment \"migration of virtual machines\"",
      "ip protocol 112 ip ttl 255 accept comment \"VRRP, from the link itself\"",
      "ct status dnat accept comment \"services whose pods are in the host's network\"",
      "goto refused"};
  EXPECT_EQ(chain(text, "on_a"), cluster);
  const std::vector<std::string> storage = {
      "ip saddr { 10.0.4.0/24, 203.0.113.9/32 } tcp dport 6800-7568 accept comment \"OSDs and other daemons of Ceph\"",
      "goto refused"};
  EXPECT_EQ(chain(text, "on_b"), storage);
  EXPECT_THAT(chain(text, "input"),
              ::testing::Contains("iifname != { \"a\", \"b\" } ip saddr 10.244.0.0/16 goto pods"));
  EXPECT_THAT(chain(text, "pods"), ::testing::Contains("tcp dport 6443 accept comment \"API server\""));
  EXPECT_THAT(chain(text, "pods"), Not(::testing::Contains(HasSubstr("etcd"))));
  const std::vector<std::string> forward = {
      "type filter hook forward priority filter + 10; policy accept;", "ct state established,related accept",
      "ct status dnat accept comment \"services\"", R"(iifname "a" oifname { "b" } goto refused_routed)",
      R"(iifname "b" oifname { "a" } goto refused_routed)"};
  EXPECT_EQ(chain(text, "forward"), forward);
}

// Whether a port is open in a chain, to some neighbour at least.
bool admits(const std::string& text, const std::string& name, std::string_view protocol, int port) {
  for (const auto& line : chain(text, name)) {
    const auto word = std::format("{} dport ", protocol);
    const auto at = line.find(word);
    if (at == std::string::npos) continue;
    const auto rest = line.substr(at + word.size());
    const auto ports = model::port_range(rest.substr(0, rest.find(' ')));
    if (ports && ports->first <= port && port <= ports->second) return true;
  }
  return false;
}

// What the design needs, beside the list that the firewall is made of: whoever takes a line out there meets it here.
struct Need {
  const char* protocol;
  int port;
  std::set<model::Role> roles;
  std::set<model::NodeRole> nodes;
};
using enum model::Role;
using enum model::NodeRole;
const std::set<model::NodeRole> everyone = {control_plane, worker, witness};
const std::set<model::NodeRole> with_api = {control_plane, witness};
const std::set<model::NodeRole> with_work = {control_plane, worker};
const std::vector<Need> needs = {
    {"tcp", 22, {management}, everyone},
    {"tcp", 9100, {management, cluster}, everyone},
    {"tcp", 6443, {cluster}, with_api},
    {"tcp", 2379, {cluster}, with_api},
    {"tcp", 2380, {cluster}, with_api},
    {"tcp", 10250, {cluster}, everyone},
    {"udp", 8472, {cluster}, everyone},
    {"tcp", 4240, {cluster}, everyone},
    {"tcp", 30000, {cluster}, everyone},
    {"tcp", 32767, {cluster}, everyone},
    {"udp", 31000, {cluster}, everyone},
    {"tcp", 3300, {cluster, storage_public}, everyone},
    {"tcp", 6789, {cluster, storage_public}, everyone},
    {"tcp", 6800, {cluster, storage_public, storage_cluster}, with_work},
    {"tcp", 7568, {cluster, storage_public, storage_cluster}, with_work},
    {"tcp", 80, {cluster, storage_public}, with_work},
    {"tcp", 49152, {cluster}, with_work},
    {"tcp", 49215, {cluster}, with_work},
};

// Each role on an interface of its own, in every order of address families, on every kind of node.
TEST(Firewall, EveryPortOfTheDesignIsOpenInItsRoleAndNoOther) {
  for (const auto* const addresses :
       {"addresses: [10.0.{}.1/24]", "addresses: [\"2001:db8:{}::1/64\"]", "dhcp4: true", "dhcp4: true, ipv6: \"off\"",
        "addresses: [10.0.{0}.1/24, \"2001:db8:{0}::1/64\"]", "ipv6: dhcp"}) {
    std::string interfaces;
    for (int i = 0; i < 4; ++i)
      interfaces += std::format("{{link: n{}, roles: [{}], {}}}, ", i, model::enum_name(static_cast<model::Role>(i)),
                                std::vformat(addresses, std::make_format_args(i)));
    std::string nics;
    for (int i = 0; i < 4; ++i) nics += std::format("{{name: n{0}, match: {{mac: \"52:54:00:00:00:0{0}\"}}}}, ", i);
    for (const auto node : everyone) {
      const auto text =
          rendered(std::format("{}network: {{nics: [{}], interfaces: [{}]}}\ncluster: {{name: c, role: {}, "
                               "join_string: loam1.AAAAAAAAAAAAAAAAAAAA}}\n",
                               key, nics, interfaces, model::enum_name(node)));
      for (const auto& need : needs)
        for (int i = 0; i < 4; ++i)
          EXPECT_EQ(admits(text, std::format("on_n{}", i), need.protocol, need.port),
                    need.roles.contains(static_cast<model::Role>(i)) && need.nodes.contains(node))
              << addresses << " " << need.protocol << " " << need.port << " on n" << i << " of a "
              << model::enum_name(node);
    }
  }
}

TEST(Firewall, NetworksThatLieInOthersAreNamedOnce) {
  const auto text = rendered(network("{link: a, roles: [management], addresses: [10.1.2.3/24, \"2001:db8::1/64\"]}",
                                     "networks: [10.0.0.0/8, 10.1.0.0/16, \"2001:db8::/32\", 192.0.2.0/25]"));
  EXPECT_THAT(text, HasSubstr("ip saddr { 10.0.0.0/8, 192.0.2.0/25 } tcp dport 9100"));
  EXPECT_THAT(text, HasSubstr("ip6 saddr { 2001:db8::/32 } tcp dport 9100"));
}

TEST(Firewall, WhatDhcpGivesIsNotKnown) {
  const auto on = [](const std::string& keys) {
    return chain(rendered(network("{link: a, roles: [management], " + keys + "}")), "on_a").front();
  };
  EXPECT_EQ(on("dhcp4: true"), "tcp dport 9100 accept comment \"metrics\"");
  EXPECT_EQ(on("dhcp4: true, ipv6: \"off\""), "meta nfproto ipv4 tcp dport 9100 accept comment \"metrics\"");
  EXPECT_EQ(on("ipv6: slaac"), "meta nfproto ipv6 tcp dport 9100 accept comment \"metrics\"");
}

TEST(Firewall, WithoutANetworkTheNodeCanBeReached) {
  const auto text = rendered(key);
  EXPECT_THAT(chain(text, "input"), ::testing::Contains("goto everywhere"));
  EXPECT_THAT(chain(text, "everywhere").front(), "tcp dport 22 accept comment \"ssh\"");
  EXPECT_THAT(rendered(""), Not(HasSubstr("dport 22")));
  // Nor one whose NICs are not known yet.
  const auto unknown = rendered(
      key + std::string("network: {nics: [{name: a, match: {driver: ice}}], interfaces: [{link: a, dhcp4: true}]}\n"));
  EXPECT_THAT(chain(unknown, "input"), ::testing::Contains("goto everywhere"));
}

TEST(Firewall, WithoutTheRoleManagementEveryInterfaceHasIt) {
  const auto text = rendered(key + network("{link: a, dhcp4: true}, {link: b, roles: [storage-public], dhcp4: true}"));
  EXPECT_TRUE(admits(text, "on_a", "tcp", 22));
  EXPECT_TRUE(admits(text, "on_b", "tcp", 22));
}

TEST(Firewall, MoreIsAdmittedOnRequest) {
  const auto text = rendered(network("{link: a, roles: [management], dhcp4: true}, {link: b, dhcp4: true}",
                                     "allow: [{port: 9000-9010, protocol: udp, from: 10.0.0.0/8, roles: [management]}, "
                                     "{port: 53}]"));
  EXPECT_THAT(chain(text, "on_a"),
              ::testing::Contains("ip saddr 10.0.0.0/8 udp dport 9000-9010 accept comment \"network.firewall.allow\""));
  const std::vector<std::string> other = {"tcp dport 53 accept comment \"network.firewall.allow\"", "goto refused"};
  EXPECT_EQ(chain(text, "on_b"), other);
}

TEST(Firewall, SwitchedOffRefusesNothing) {
  EXPECT_EQ(rendered("network: {firewall: {enabled: false}}\n"),
            "# Made by Loam from loam.yaml. nft list counters table inet loam: what was refused, and why.\n"
            "table inet loam\ndelete table inet loam\n");
}

}  // namespace
}  // namespace loam::netcfg
