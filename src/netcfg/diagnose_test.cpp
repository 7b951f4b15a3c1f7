#include "netcfg/diagnose.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "model/mtu.hpp"
#include "model/parse.hpp"
#include "netcfg/interruptions.hpp"
#include "netcfg/pins.hpp"
#include "netcfg/probes.hpp"
#include "netcfg/trial.hpp"

namespace loam::netcfg {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using Texts = std::vector<std::string>;

model::Config config(const std::string& yaml) {
  auto parsed = model::parse_config("version: 1\n" + yaml, "test");
  if (!parsed) {
    ADD_FAILURE() << parsed.error().text();
    return {};
  }
  parsed->network = pinned_network(parsed->network, {});
  return *parsed;
}

constexpr auto rack = R"(network:
  nics:
    - {name: nic0, match: {mac: "52:54:00:00:00:01"}}
    - {name: nic1, match: {mac: "52:54:00:00:00:02"}}
  bonds:
    - {name: bond0, members: [nic0, nic1]}
  interfaces:
    - {link: bond0, addresses: [192.0.2.11/24], gateway: 192.0.2.1, ipv6: "off"}
)";

// A bond of two members that all works, for each test to break.
class Rack : public ::testing::Test {
 protected:
  void SetUp() override {
    nic(1);
    nic(2);
    bond.index = 7;
    bond.name = "bond0";
    bond.kind = "bond";
    bond.up = bond.carrier = true;
    bond.mtu = 1500;
    bond.bond =
        BondState{.active_member = 0,
                  .aggregate = Aggregate{.id = 1, .ports = 2, .partner_key = 15, .partner_mac = "00:1b:21:00:00:0a"}};
    partners["bond0"] = {{"nic0", {.mac = "00:1b:21:00:00:0a", .key = 15, .state = 63}},
                         {"nic1", {.mac = "00:1b:21:00:00:0a", .key = 15, .state = 63}}};
  }

  void nic(int number) {
    LinkMessage link;
    link.index = number;
    link.name = "nic" + std::to_string(number - 1);
    link.permanent_mac = "52:54:00:00:00:0" + std::to_string(number);
    link.master = 7;
    link.up = link.carrier = true;
    link.mtu = 1500;
    nics.push_back(link);
  }

  Texts said(const std::string& yaml = rack) {
    LinkTable table([this](const std::string& name) {
      return LinkDetails{
          .hardware = name != "bond0", .driver = "ice", .pci = "", .speed = name == "nic1" ? speed_of_nic1 : 25000};
    });
    for (const auto& link : nics) table.apply(link);
    table.apply(bond);
    for (const auto& address : addresses) table.apply(address);
    Texts texts;
    for (const auto& finding : diagnose(config(yaml).network, table, partners))
      texts.push_back((finding.bad ? "!! " : ".. ") + finding.text);
    return texts;
  }

  std::vector<LinkMessage> nics;
  LinkMessage bond;
  Partners partners;
  std::int64_t speed_of_nic1 = 25000;
  std::vector<AddressMessage> addresses = {{.gone = false, .index = 7, .address = *IpNet::parse("192.0.2.11/24")}};
};

TEST_F(Rack, NothingToSay) { EXPECT_EQ(said(), Texts{}); }

TEST_F(Rack, CarrierButNoPartner) {
  partners["bond0"]["nic1"].mac = "00:00:00:00:00:00";
  EXPECT_EQ(said(), Texts{"!! nic1: carrier but no LACP partner: the switch port is not in a channel"});
}

TEST_F(Rack, CablesToTwoSwitchesOrChannels) {
  partners["bond0"]["nic1"].mac = "00:1b:21:00:00:0b";
  EXPECT_EQ(said(),
            Texts{"!! nic1: its LACP partner is 00:1b:21:00:00:0b, that of bond0 is 00:1b:21:00:00:0a: the cables "
                  "end at two switches that are not one"});
  partners["bond0"]["nic1"] = {.mac = "00:1b:21:00:00:0a", .key = 16, .state = 63};
  EXPECT_EQ(said(), Texts{"!! nic1: its LACP partner 00:1b:21:00:00:0a has it in the channel with key 16, bond0 is the "
                          "one with key 15: the cables end in two channels of one switch"});
}

TEST_F(Rack, APartnerThatKeepsItOut) {
  partners["bond0"]["nic0"].state = 7;
  EXPECT_EQ(said(),
            Texts{"!! nic0: its LACP partner 00:1b:21:00:00:0a keeps it out of the channel: the switch port has "
                  "other settings than the others, or its channel is full"});
}

TEST_F(Rack, ASlowPartnerIsWorthKnowing) {
  partners["bond0"]["nic0"].state = 61;
  EXPECT_EQ(said(), Texts{".. nic0: its LACP partner has the slow rate: it takes up to 90 s to see a dead link"});
}

TEST_F(Rack, OneCableOutAndAllCablesOut) {
  nics[1].carrier = false;
  EXPECT_EQ(said(), Texts{".. nic1: no carrier: no cable, or the switch port is off; bond0 works without it"});
  nics[0].carrier = bond.carrier = false;
  EXPECT_EQ(said(), (Texts{"!! nic0: no carrier: no cable, or the switch port is off",
                           "!! nic1: no carrier: no cable, or the switch port is off",
                           "!! bond0: no carrier: none of its members works"}));
}

TEST_F(Rack, ANicThatIsNotThere) {
  nics.pop_back();
  EXPECT_EQ(said(),
            Texts{".. nic1: no NIC with the address 52:54:00:00:00:02 is in this machine; bond0 works without it"});
  bond.carrier = false;
  EXPECT_THAT(said(), Contains("!! nic1: no NIC with the address 52:54:00:00:00:02 is in this machine"));
}

TEST_F(Rack, ANicThatIsSlowerThanItWasChosenFor) {
  std::string yaml = rack;
  const std::string match = "{mac: \"52:54:00:00:00:02\"";
  yaml.insert(yaml.find(match) + match.size(), ", min_speed: 25000");
  EXPECT_EQ(said(yaml), Texts{});
  speed_of_nic1 = 10000;
  EXPECT_THAT(said(yaml), Contains(".. nic1: runs at 10 Gb/s, min_speed is 25 Gb/s: the cable, its modules or the "
                                   "switch port"));
  EXPECT_THAT(said(), Not(Contains(HasSubstr("nic1: runs at")))) << "nothing was asked for";
}

TEST_F(Rack, AMemberOutsideOfItsBond) {
  nics[1].master = 0;
  EXPECT_EQ(said(), Texts{"!! nic1: is not in bond0; networkctl status nic1 says why"});
}

TEST_F(Rack, MixedSpeeds) {
  speed_of_nic1 = 10000;
  EXPECT_EQ(said(),
            Texts{".. bond0: members of different speeds: nic0 has 25 Gb/s, nic1 has 10 Gb/s; 802.3ad uses only "
                  "those of one speed"});
}

TEST_F(Rack, DhcpMeansAnIpv4Address) {
  auto text = std::string(rack);
  text.replace(text.find("addresses:"), std::string::npos, "dhcp4: true}\n");
  EXPECT_EQ(said(text), Texts{});
  addresses = {{.gone = false, .index = 7, .address = *IpNet::parse("2001:db8::11/64")}};
  EXPECT_EQ(said(text), Texts{"!! bond0: no IPv4 address yet: no DHCP server answers"});
  text.replace(text.find("dhcp4: true"), std::string("dhcp4: true").size(), "ipv6: slaac");
  EXPECT_EQ(said(text), Texts{});
  addresses.clear();
  EXPECT_EQ(said(text), Texts{"!! bond0: no IPv6 address yet: no router answers"});
}

TEST_F(Rack, TheMtuOfBeforeIsNotTheMtuOfNow) {
  bond.mtu = 9000;
  EXPECT_EQ(said(), Texts{"!! bond0: has MTU 9000, 1500 was asked for; the driver or a member may not carry it"});
}

TEST(Mtu, WhereTheFileSaysNothing) {
  const auto network = config(R"(network:
  nics: [{name: a, match: {mac: "52:54:00:00:00:01"}, mtu: 1400}, {name: b, match: {mac: "52:54:00:00:00:02"}}]
  bonds: [{name: x, members: [b], mtu: 9000}]
  bridges: [{name: br, members: [a, v]}]
  vlans: [{name: v, parent: x, id: 5}, {name: w, parent: br, id: 6}]
)")
                           .network;
  const auto mtu = [&](const char* name) { return model::mtu_of(network, *model::LinkName::parse(name)); };
  EXPECT_EQ(mtu("a"), 1400);
  EXPECT_EQ(mtu("b"), 9000) << "its bond's";
  EXPECT_EQ(mtu("v"), 1500) << "not its parent's";
  EXPECT_EQ(mtu("br"), 1400) << "what all members carry";
  EXPECT_EQ(mtu("w"), 1400);
}

TEST_F(Rack, AddressesThatAreNotThere) {
  addresses.clear();
  EXPECT_EQ(said(), Texts{"!! bond0: does not have its address 192.0.2.11/24 yet: for some seconds it first asks "
                          "whether another host has it; if it stays so, one has"});
}

TEST_F(Rack, AnotherMtuThanWasAskedFor) {
  std::string large(rack);
  large.replace(large.find("[nic0, nic1]"), 12, "[nic0, nic1], mtu: 9000");
  EXPECT_EQ(said(large), Texts{"!! bond0: has MTU 1500, 9000 was asked for; the driver or a member may not carry it"});
}

TEST_F(Rack, WhateverUdevCallsANic) {
  nics[1].name = "enp5s0";
  partners["bond0"]["enp5s0"] = partners["bond0"]["nic1"];
  EXPECT_EQ(said(), Texts{});
}

TEST_F(Rack, AddressesThatAreNotItsOwnYet) {
  addresses[0].tentative = true;
  EXPECT_EQ(said(), Texts{"!! bond0: its address 192.0.2.11/24 is still being checked for duplicates"});
  addresses[0].duplicate = true;
  EXPECT_EQ(said(), Texts{"!! bond0: its address 192.0.2.11/24 is another host's too"});
}

TEST_F(Rack, ANicThatNothingUsesMayBeWithoutCable) {
  nics[1].carrier = false;
  nics[1].master = 0;
  std::string yaml = rack;
  yaml.replace(yaml.find("[nic0, nic1]"), 12, "[nic0]");
  EXPECT_EQ(said(yaml), Texts{".. nic1: no carrier: no cable, or the switch port is off; nothing uses it"});
}

TEST_F(Rack, ANicThatCouldNotBeTold) {
  const std::string yaml =
      "network:\n  nics: [{name: lost, match: {driver: x}}, {name: nic0, match: {mac: \"52:54:00:00:00:01\"}}]\n"
      "  interfaces: [{link: lost, dhcp4: true}]\n";
  EXPECT_EQ(said(yaml), Texts{"!! lost: its NIC was not found; the condition Nics says why"});
}

TEST_F(Rack, WhatOnlyCarriesMachinesNeedsNoAddress) {
  std::string yaml = rack;
  yaml.replace(yaml.find("bonds:"), 6, "bridges:");
  yaml.erase(yaml.find("    - {link:"));
  bond.kind = "bridge";
  addresses.clear();
  EXPECT_EQ(said(yaml + "    - {link: bond0, roles: [vm]}\n"), Texts{});
  EXPECT_EQ(said(yaml + "    - {link: bond0, roles: [vm, management]}\n"),
            Texts{"!! bond0: no IPv6 address yet: no router answers"});
}

TEST(LostAddresses, AreThoseThatNobodyElseHas) {
  const auto network = config(
                           "network:\n  nics: [{name: nic0, match: {mac: \"52:54:00:00:00:01\"}}]\n"
                           "  interfaces: [{link: nic0, addresses: [192.0.2.11/24]}]\n")
                           .network;
  LinkTable table([](const std::string&) { return LinkDetails{}; });
  LinkMessage link;
  link.index = 1;
  link.name = "nic0";
  link.carrier = true;
  table.apply(link);
  const Probe probe{ProbeKind::duplicate, "nic0", "192.0.2.11", 0, true};
  EXPECT_EQ(lost_addresses(network, table, {}), Texts{}) << "not asked yet";
  EXPECT_EQ(lost_addresses(network, table, {{probe, false, ""}}), Texts{}) << "another host has it";
  EXPECT_EQ(lost_addresses(network, table, {{probe, true, ""}}), Texts{"nic0"});
  table.apply(AddressMessage{.gone = false, .index = 1, .address = *IpNet::parse("192.0.2.11/24")});
  EXPECT_EQ(lost_addresses(network, table, {{probe, true, ""}}), Texts{}) << "it has it";
}

TEST(Mtu, OfAVlanIsOwedUntilItsParentCarriesIt) {
  const auto network = config(
                           "network:\n  nics: [{name: nic0, match: {mac: \"52:54:00:00:00:01\"}, mtu: 9000}]\n"
                           "  vlans: [{name: v, parent: nic0, id: 5, mtu: 9000}]\n")
                           .network;
  LinkTable table([](const std::string&) { return LinkDetails{}; });
  const auto has = [&](int index, const char* name, std::int64_t mtu) {
    LinkMessage link;
    link.index = index;
    link.name = name;
    link.mtu = mtu;
    table.apply(link);
  };
  using Owed = std::map<std::string, std::int64_t>;
  has(1, "nic0", 1500);
  has(2, "v", 1500);
  EXPECT_EQ(owed_mtus(network, table), Owed{});
  has(1, "nic0", 9000);
  EXPECT_EQ(owed_mtus(network, table), (Owed{{"v", 9000}}));
  has(2, "v", 9000);
  EXPECT_EQ(owed_mtus(network, table), Owed{});
}

TEST(Members, AreLooseOutsideOfTheBondThatIsThere) {
  const auto network =
      config(
          "network:\n  nics: [{name: nic0, match: {mac: \"52:54:00:00:00:01\"}}, {name: nic1, match: {mac: "
          "\"52:54:00:00:00:02\"}}]\n  bonds: [{name: bond0, members: [nic0, nic1]}]\n")
          .network;
  LinkTable table([](const std::string&) { return LinkDetails{}; });
  const auto has = [&](int index, const char* name, int master) {
    LinkMessage link;
    link.index = index;
    link.name = name;
    link.master = master;
    table.apply(link);
  };
  has(1, "nic0", 0);
  EXPECT_EQ(loose_members(network, table), Texts{}) << "there is no bond yet";
  has(3, "bond0", 0);
  EXPECT_EQ(loose_members(network, table), Texts{"nic0"}) << "nic1 is not in this machine";
  has(2, "nic1", 3);
  has(1, "nic0", 3);
  EXPECT_EQ(loose_members(network, table), Texts{});
}

TEST(Lacp, StatesInWords) {
  EXPECT_EQ(lacp_state_text(61), "activity, aggregation, sync, collecting, distributing");
  EXPECT_EQ(lacp_state_text(0), "");
}

// ---- probes ----

TEST(Probes, FollowFromTheConfiguration) {
  const auto probes = probes_of(config(std::string(rack) + "  dns: {servers: [192.0.2.53]}\n"));
  EXPECT_EQ(probes, (std::vector<Probe>{{ProbeKind::duplicate, "bond0", "192.0.2.11", 0, true},
                                        {ProbeKind::gateway, "bond0", "192.0.2.1", 0, true},
                                        {ProbeKind::path_mtu, "bond0", "192.0.2.1", 1500},
                                        {ProbeKind::dns, "", "192.0.2.53", 0},
                                        {ProbeKind::ntp, "", "", 0}}));
  EXPECT_EQ(parse_probes(to_json(probes)).value(), probes);
  EXPECT_FALSE(parse_probes(R"([{"kind":"x","link":"","target":"","mtu":0}])"));
}

TEST(Probes, PeersOfTheClusterInTheSameNetwork) {
  auto text = std::string(rack);
  text.insert(text.find("addresses:"), "roles: [cluster], ");
  const auto probes = probes_of(config(text + "cluster: {name: c, join: [192.0.2.12, 198.51.100.1, node-3]}\n"));
  EXPECT_NE(std::ranges::find(probes, Probe{ProbeKind::peer, "bond0", "192.0.2.12", 0}), probes.end());
  EXPECT_EQ(std::ranges::count(probes, ProbeKind::peer, &Probe::kind), 1);
  // One may be off; where it answers, large packets must pass.
  EXPECT_NE(std::ranges::find(probes, Probe{ProbeKind::path_mtu, "bond0", "192.0.2.12", 1500, true}), probes.end());
}

TEST(Probes, ManagementThatOnlyAPersonCanConfirm) {
  const auto on = [](const std::string& more, const std::string& roles = "management") {
    return config(
               "network:\n  nics: [{name: a, match: {mac: \"52:54:00:00:00:01\"}}]\n  interfaces: [{link: a, roles: [" +
               roles + "], " + more + "}]\n")
        .network;
  };
  const auto before = on("addresses: [192.0.2.11/24]");
  EXPECT_EQ(unprovable(before, before), Texts{});
  EXPECT_EQ(unprovable(before, on("addresses: [192.0.2.12/24]")),
            Texts{"a: management changes and has no gateway that could be asked"});
  EXPECT_EQ(unprovable(before, on("addresses: [192.0.2.12/24], gateway: 192.0.2.1")), Texts{});
  EXPECT_EQ(unprovable(before, on("dhcp4: true")), Texts{});
  EXPECT_EQ(unprovable(before, on("addresses: [192.0.2.11/24]", "cluster")),
            Texts{"a carries management no more, and nothing else does"});
  EXPECT_EQ(unprovable(on("dhcp4: true", "cluster"), before), Texts{}) << "nothing managed it before";
}

TEST(Probes, LearnedGatewaysCountWhereTheFileHasNone) {
  const LearnedGateways learned = {{"bond0", {*IpAddr::parse("192.0.2.254"), *IpAddr::parse("fe80::1")}}};
  const auto gateways = [&](const std::string& text) {
    std::vector<std::pair<std::string, bool>> list;
    for (const auto& probe : probes_of(config(text), learned))
      if (probe.kind == ProbeKind::gateway) list.emplace_back(probe.target, probe.needed);
    return list;
  };
  using List = std::vector<std::pair<std::string, bool>>;
  EXPECT_EQ(gateways(std::string(rack)), (List{{"192.0.2.1", true}, {"fe80::1", false}}));
  auto dynamic = std::string(rack);
  dynamic.erase(dynamic.find("interfaces:"));
  EXPECT_EQ(gateways(dynamic + "interfaces: [{link: bond0, dhcp4: true}]\n"),
            (List{{"192.0.2.254", true}, {"fe80::1", false}}));
  EXPECT_EQ(gateways(dynamic + "interfaces: [{link: bond0, ipv6: slaac}]\n"),
            (List{{"192.0.2.254", true}, {"fe80::1", true}}));
}

TEST(Probes, WhoAnsweredToArping) {
  EXPECT_EQ(
      arping_answer("ARPING 192.0.2.11 from 0.0.0.0 bond0\nUnicast reply from 192.0.2.11 [52:54:00:AB:CD:EF]  0.9ms\n"),
      "52:54:00:ab:cd:ef");
  for (const auto* const none : {"", "[", "[]", "[x]", "Sent 2 probes"}) EXPECT_EQ(arping_answer(none), "") << none;
}

// ---- changes ----

Texts interrupted(const std::string& after) { return interruptions(config(rack), config(after)); }
Texts replaced(std::string_view what, std::string_view with) {
  std::string text(rack);
  text.replace(text.find(what), what.size(), with);
  return interrupted(text);
}

TEST(Interruptions, AreSaid) {
  EXPECT_EQ(interrupted(rack), Texts{});
  EXPECT_EQ(replaced("[nic0, nic1]", "[nic0]"), Texts{"nic1 leaves bond0: its flows move to the others"});
  EXPECT_EQ(replaced("members: [nic0, nic1]", "members: [nic0, nic1], mode: active-backup"),
            Texts{"bond0 is made anew: what goes over it stops for some seconds"});
  EXPECT_EQ(replaced("192.0.2.11/24", "192.0.2.12/24"), Texts{"192.0.2.11/24 leaves bond0: connections to it end"});
  EXPECT_EQ(replaced("gateway: 192.0.2.1", "gateway: 192.0.2.2"),
            Texts{"the default gateway of bond0 changes: connections that go further than its network may end"});
  EXPECT_EQ(replaced("members: [nic0, nic1]", "members: [nic0, nic1], mtu: 1500"), Texts{}) << "as it was";
  EXPECT_EQ(replaced("ipv6: \"off\"", "ipv6: slaac"),
            Texts{"IPv6 on bond0 changes from off to slaac: connections over its addresses from routers may end"});
  EXPECT_EQ(replaced("members: [nic0, nic1]", "members: [nic0, nic1], mtu: 9000"),
            Texts{"bond0 changes its MTU from 1500 to 9000: some drivers stop for a second"});
  EXPECT_EQ(interrupted("hostname: a\n"),
            (Texts{"bond0 goes away, and what goes over it", "192.0.2.11/24 leaves bond0: connections to it end"}));
}

TEST(Interruptions, OfTheVip) {
  auto cluster = std::string(rack) + "cluster: {name: c, vip: 192.0.2.";
  cluster.insert(cluster.find("addresses:"), "roles: [cluster], ");
  const auto one = config(cluster + "100/24}\n");
  EXPECT_EQ(interruptions(one, one), Texts{});
  EXPECT_EQ(interruptions(one, config(cluster + "101/24}\n")),
            Texts{"the cluster's VIP 192.0.2.100/24 goes away: clients of its API must use 192.0.2.101/24"});
  EXPECT_EQ(interruptions(config(rack), one), Texts{});
}

TEST(Trial, EndsByTimeAndByARestart) {
  const Trial trial{.boot_id = "a", .deadline = 100};
  EXPECT_EQ(parse_trial(to_json(trial)).value(), trial);
  EXPECT_EQ(time_left(trial, "a", 40), 60);
  EXPECT_EQ(time_left(trial, "a", 100), std::nullopt);
  EXPECT_EQ(time_left(trial, "b", 40), std::nullopt);
  for (const auto* const bad : {"", "{}", R"({"boot_id":1,"deadline":1})"}) EXPECT_FALSE(parse_trial(bad)) << bad;
}

}  // namespace
}  // namespace loam::netcfg
