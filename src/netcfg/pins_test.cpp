#include "netcfg/pins.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "model/parse.hpp"

namespace loam::netcfg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

model::Network network(const std::string& yaml) {
  const auto config = model::parse_config("version: 1\nnetwork:\n" + yaml, "test");
  if (!config) throw std::invalid_argument(config.error().text());
  return config->network;
}

Link nic(int number, const char* driver, std::int64_t speed, bool carrier) {
  Link link;
  link.index = number;
  link.name = "enp" + std::to_string(number) + "s0";
  link.kind = "nic";
  link.permanent_mac = "52:54:00:00:00:0" + std::to_string(number);
  link.driver = driver;
  link.pci = "0000:0" + std::to_string(number) + ":00.0";
  link.speed = speed;
  link.carrier = carrier;
  return link;
}

const std::vector<Link> machine = {nic(1, "igb", 1000, true), nic(2, "mlx5_core", 25000, true),
                                   nic(3, "mlx5_core", 25000, true), nic(4, "mlx5_core", 0, false)};

TEST(Pins, EachKindOfSelector) {
  for (const auto& [match, mac] : std::initializer_list<std::pair<const char*, const char*>>{
           {"mac: \"52:54:00:00:00:0A\"", "52:54:00:00:00:0a"},
           {"pci: \"0000:03:00.0\"", "52:54:00:00:00:03"},
           {"driver: \"i?b\"", "52:54:00:00:00:01"},
           {"driver: mlx5*, pci: \"0000:04:00.0\"", "52:54:00:00:00:04"}}) {
    const auto found = pin_nics(network(std::string("  nics: [{name: a, match: {") + match + "}}]"), machine, {});
    EXPECT_THAT(found.pins, ElementsAre(Pair("a", mac))) << match;
    EXPECT_THAT(found.problems, IsEmpty()) << match;
  }
}

TEST(Pins, AmbiguityListsTheCandidates) {
  const auto found = pin_nics(network("  nics: [{name: a, match: {min_speed: 25000}}]"), machine, {});
  EXPECT_THAT(found.pins, IsEmpty());
  EXPECT_THAT(found.problems,
              ElementsAre("network.nics[0] (a): 2 NICs match: enp2s0 (52:54:00:00:00:02, mlx5_core, 0000:02:00.0, 25 "
                          "Gb/s, carrier); enp3s0 (52:54:00:00:00:03, mlx5_core, 0000:03:00.0, 25 Gb/s, carrier); add "
                          "mac or pci so that exactly one does"));
}

TEST(Pins, NoMatchListsTheMachine) {
  const auto found = pin_nics(network("  nics: [{name: a, match: {driver: bnxt_en}}]"), machine, {});
  EXPECT_THAT(found.problems, ElementsAre(HasSubstr("no NIC matches; the NICs of this machine: enp1s0 (")));
  EXPECT_THAT(found.problems.front(), HasSubstr("enp4s0 (52:54:00:00:00:04, mlx5_core, 0000:04:00.0, no carrier)"));
}

TEST(Pins, WhatIsTakenIsNotACandidate) {
  const auto found = pin_nics(
      network("  nics: [{name: b, match: {min_speed: 25000}}, {name: a, match: {mac: \"52:54:00:00:00:02\"}}]"),
      machine, {});
  EXPECT_THAT(found.pins, ElementsAre(Pair("a", "52:54:00:00:00:02"), Pair("b", "52:54:00:00:00:03")));
}

TEST(Pins, StayWhateverTheCableDoes) {
  const auto wanted = network("  nics: [{name: a, match: {carrier: true, driver: mlx5*}}]");
  const Pins before = {{"a", "52:54:00:00:00:04"}};
  EXPECT_EQ(pin_nics(wanted, machine, before).pins, before) << "its cable is out";
  EXPECT_THAT(pin_nics(network("  nics: [{name: a, match: {driver: igb}}]"), machine, before).pins,
              ElementsAre(Pair("a", "52:54:00:00:00:01")))
      << "another one is asked for now";
  EXPECT_EQ(parse_pins(to_json(before)).value(), before);
}

TEST(Pins, AReplacedCardTakesThePlaceAndAMissingOneKeepsIt) {
  const auto wanted = network("  nics: [{name: a, match: {driver: igb}}]");
  const Pins before = {{"a", "52:54:00:00:00:99"}};
  const auto replaced = pin_nics(wanted, machine, before);
  EXPECT_THAT(replaced.pins, ElementsAre(Pair("a", "52:54:00:00:00:01")));
  EXPECT_THAT(replaced.notes, ElementsAre(HasSubstr("52:54:00:00:00:99 is gone; enp1s0")));
  const auto missing = pin_nics(wanted, {}, before);
  EXPECT_EQ(missing.pins, before);
  EXPECT_THAT(missing.notes, ElementsAre(HasSubstr("its NIC 52:54:00:00:00:99 is gone, and no other matches")));
  EXPECT_THAT(missing.problems, IsEmpty());
}

TEST(Pins, ABondSelectsAllThatMatchAndKeepsThem) {
  const auto wanted = network("  bonds: [{name: bond0, select: {min_speed: 25000, carrier: true}}]");
  const auto first = pin_nics(wanted, machine, {});
  EXPECT_THAT(first.pins, ElementsAre(Pair("bond0p0", "52:54:00:00:00:02"), Pair("bond0p1", "52:54:00:00:00:03")));
  auto later = machine;
  later[1].carrier = false;  // one cable out, another in
  later[3] = nic(4, "mlx5_core", 25000, true);
  EXPECT_THAT(pin_nics(wanted, later, first.pins).pins,
              ElementsAre(Pair("bond0p0", "52:54:00:00:00:02"), Pair("bond0p1", "52:54:00:00:00:03"),
                          Pair("bond0p2", "52:54:00:00:00:04")));
  const auto pinned = pinned_network(wanted, first.pins);
  ASSERT_EQ(pinned.bonds[0].members.size(), 2U);
  EXPECT_EQ(pinned.bonds[0].members[1].str(), "bond0p1");
  EXPECT_EQ(pinned.nics[1].match.mac->str(), "52:54:00:00:00:03");
  EXPECT_EQ(pinned.nics[1].match.min_speed, 25000) << "to be compared with what it runs at";
  EXPECT_FALSE(pinned.bonds[0].select);
  EXPECT_THAT(pin_nics(wanted, {}, {}).problems,
              ElementsAre(HasSubstr("network.bonds[0] (bond0): no NIC matches select")));
}

TEST(Pins, ANewCardTakesThePlaceOfADeadMember) {
  const auto wanted = network("  bonds: [{name: bond0, select: {driver: mlx5*}}]");
  const Pins before = {{"bond0p0", "52:54:00:00:00:99"}, {"bond0p1", "52:54:00:00:00:04"}};
  const auto found = pin_nics(wanted, machine, before);
  EXPECT_EQ(found.pins.at("bond0p0"), "52:54:00:00:00:02");
  EXPECT_EQ(found.pins.at("bond0p1"), "52:54:00:00:00:04");
  EXPECT_THAT(found.notes, ElementsAre(HasSubstr("bond0p0: 52:54:00:00:00:99 is gone; enp2s0")));
  EXPECT_EQ(pin_nics(wanted, {}, before).pins, before) << "it may come back";
}

TEST(Pins, WhatHasToBeWaitedFor) {
  const auto by_speed = network("  nics: [{name: a, match: {min_speed: 25000}}]");
  const auto by_address = network("  nics: [{name: a, match: {mac: \"52:54:00:00:00:99\"}}]");
  const auto selects = network("  bonds: [{name: bond0, select: {driver: mlx5*}}]");
  EXPECT_EQ(open_questions(by_speed, machine, {}), Open::cables);
  EXPECT_EQ(open_questions(selects, machine, {}), Open::cables);
  EXPECT_EQ(open_questions(by_speed, machine, {{"a", "52:54:00:00:00:02"}}), Open::nothing);
  EXPECT_EQ(open_questions(by_speed, machine, {{"a", "52:54:00:00:00:99"}}), Open::presence);
  EXPECT_EQ(open_questions(selects, machine, {{"bond0p0", "52:54:00:00:00:99"}}), Open::presence);
  EXPECT_EQ(open_questions(by_address, machine, {{"a", "52:54:00:00:00:99"}}), Open::nothing)
      << "no other can be meant";
}

TEST(Pins, AFileThatIsNoneIsRefused) {
  for (const auto* const bad : {"", "[]", R"({"a":1})", R"({"a":"x"})", R"({"../x":"52:54:00:00:00:01"})"})
    EXPECT_FALSE(parse_pins(bad)) << bad;
}

}  // namespace
}  // namespace loam::netcfg
