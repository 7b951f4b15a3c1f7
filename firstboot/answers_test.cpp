// Every field of the wizard, and the loam.yaml that it means; and the way back.
#include "answers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

#include "cluster/invitation.hpp"
#include "example_facts.hpp"
#include "model/parse.hpp"
#include "wizard.hpp"

namespace loam::console {
namespace {

MachineFacts machine() {
  const auto facts = example::blank_machine();
  return machine_facts(facts.machine, facts.links, facts.disks);
}

Answers answers_with(const std::vector<std::pair<std::string, std::string>>& typed) {
  auto answers = first_answers(machine());
  answers["ssh_key"] = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx8xC1cPz1vZxWv6m3tYy5c1i3Nq2d8Jb0mUuYkq0aB admin@site";
  for (const auto& [name, value] : typed) answers[name] = value;
  return answers;
}

struct Typed {
  std::vector<std::pair<std::string, std::string>> answers;
  std::string means;  // a part of loam.yaml
};

// NOLINTNEXTLINE(readability-identifier-naming): GoogleTest's name
void PrintTo(const Typed& typed, std::ostream* out) { *out << typed.answers.back().first; }

class EveryField : public testing::TestWithParam<Typed> {};

TEST_P(EveryField, IsInLoamYaml) {
  const auto meaning = meaning_of(answers_with(GetParam().answers), machine(), "$y$j9T$salt$hash");
  for (const auto& problem : meaning.problems) ADD_FAILURE() << problem.field << ": " << problem.text;
  const auto text = model::format_config(meaning.config);
  auto bare = text;
  std::erase(bare, '"');
  EXPECT_TRUE(bare.contains(GetParam().means)) << text;
  const auto again = model::parse_config(text, "wizard");
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(*again, meaning.config);
}

const std::pair<std::string, std::string> fixed{"method", "static"};
const std::pair<std::string, std::string> address{"address", "192.0.2.30/24"};
const std::pair<std::string, std::string> joins{"cluster", "join"};
const std::pair<std::string, std::string> by{"join", "192.0.2.11 192.0.2.12"};

std::string invitation_of(const std::string& name, model::NodeRole role = model::NodeRole::control_plane) {
  const bool worker = role == model::NodeRole::worker;
  return cluster::to_join_string({.cluster = name,
                                  .role = role,
                                  .endpoint = "192.0.2.5:6443",
                                  .pin = "sha256:" + std::string(64, 'a'),
                                  .token = "abcdef.0123456789abcdef",
                                  .certificate_key = worker ? "" : std::string(64, 'b'),
                                  .encryption_key = worker ? "" : std::string(43, 'A') + "=",
                                  .until = 4'000'000'000});
}
const std::pair<std::string, std::string> invited{"join_string", invitation_of("loam")};

INSTANTIATE_TEST_SUITE_P(
    Answers, EveryField,
    testing::Values(
        Typed{{{"nic:52:54:00:00:10:03", "yes"}}, "52:54:00:00:10:03"},
        Typed{{{"bond", "active-backup"}}, "mode: active-backup"}, Typed{{{"vlan", "30"}}, "id: 30"},
        Typed{{{"mtu", "9000"}}, "mtu: 9000"}, Typed{{fixed, address}, "192.0.2.30/24"},
        Typed{{fixed, address, {"gateway", "192.0.2.1"}}, "gateway: 192.0.2.1"},
        Typed{{fixed, {"address", "2001:db8::30/64"}, {"gateway", "2001:db8::1"}}, "gateway6: 2001:db8::1"},
        Typed{{{"disk", "nvme-eui.0025385b91b00002"}, {"erase", "nvme-eui.0025385b91b00002"}},
              "wipe:\n    - nvme-eui.0025385b91b00002"},
        Typed{{{"data", "all"}}, "data:\n    - {}"}, Typed{{{"cluster_name", "rack3"}}, "name: rack3"},
        Typed{{{"role", "witness"}}, "role: witness"},
        Typed{{fixed, address, {"vip", "192.0.2.5/24"}}, "vip: 192.0.2.5/24"},
        Typed{{joins, by, invited}, "192.0.2.12"}, Typed{{joins, invited}, "join_string: loam1."},
        Typed{{{"hostname", "node-7"}}, "hostname: node-7"}, Typed{{{"keyboard", "de"}}, "keyboard: de"},
        Typed{{{"dns", "192.0.2.53, 192.0.2.54"}}, "192.0.2.54"}, Typed{{{"search", "example.org"}}, "example.org"},
        Typed{{{"ntp", "ntp.example"}}, "ntp.example"}, Typed{{{"zone", "Europe/Berlin"}}, "zone: Europe/Berlin"},
        Typed{{{"http_proxy", "http://proxy.example:3128"}}, "http: http://proxy.example:3128"},
        Typed{{{"https_proxy", "http://proxy.example:3129"}}, "https: http://proxy.example:3129"},
        Typed{{{"http_proxy", "http://proxy.example:3128"}, {"no_proxy", "internal.example"}}, "internal.example"},
        Typed{{{"ssh_key_2",
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx8xC1cPz1vZxWv6m3tYy5c1i3Nq2d8Jb0mUuYkq0aC second@site"}},
              "second@site"},
        Typed{{{"password", "secret"}, {"password_again", "secret"}, {"shell", "yes"}}, "console_shell: true"}));

// What one typed is what one would see after reading the file again.
TEST(Brought, AllThatIsTypedComesBack) {
  const auto typed = answers_with({fixed,
                                   address,
                                   {"gateway", "192.0.2.1"},
                                   {"bond", "802.3ad"},
                                   {"vlan", "30"},
                                   {"mtu", "9000"},
                                   {"data", "all"},
                                   joins,
                                   by,
                                   {"join_string", invitation_of("loam", model::NodeRole::worker)},
                                   {"role", "worker"},
                                   {"vip", "192.0.2.5/24"},
                                   {"hostname", "node-7"},
                                   {"keyboard", "de"},
                                   {"dns", "192.0.2.53"},
                                   {"search", "example.org"},
                                   {"ntp", "ntp.example"},
                                   {"zone", "Europe/Berlin"},
                                   {"http_proxy", "http://proxy.example:3128"},
                                   {"no_proxy", "internal.example"},
                                   {"shell", "yes"}});
  const auto meaning = meaning_of(typed, machine(), "$y$j9T$salt$hash");
  const auto again = answers_for(meaning.config, machine(), first_answers(machine()));
  for (const auto& [name, value] : again) EXPECT_EQ(value, answer(typed, name)) << name;
  EXPECT_TRUE(page_shows_all(meaning.config.network, machine()));
}

TEST(Brought, WhatNoPageShowsIsSaid) {
  auto config = meaning_of(answers_with({fixed, address}), machine(), "").config;
  for (auto& nic : config.network.nics) nic.name = *model::LinkName::parse("port" + nic.name.str());
  for (auto& bond : config.network.bonds)
    for (auto& member : bond.members) member = *model::LinkName::parse("port" + member.str());
  EXPECT_TRUE(page_shows_all(config.network, machine())) << "other names are no other network";
  config.network.interfaces.push_back(config.network.interfaces.front());
  EXPECT_FALSE(page_shows_all(config.network, machine()));
}

// What no page asks for stays, and so does each part on whose page nothing is typed.
TEST(Brought, StandsWhereNothingElseIsTyped) {
  const std::string text =
      "version: 1\nhostname: node-9\nnetwork: {nics: [{name: up, match: {pci: \"0000:3b:00.0\"}}], interfaces: [{link: "
      "up, dhcp4: true}]}\n"
      "install: {disk: {bus: nvme, min_size: 100G}}\n"
      "access: {ssh_keys: [\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx8xC1cPz1vZxWv6m3tYy5c1i3Nq2d8Jb0mUuYkq0aB a\"]}\n"
      "storage: {data: [{min_size: 4T}], max_osds: 12, exclude: [{model: \"VIRTUAL*\"}]}\nupdate: {url: "
      "\"https://loam.example/releases\"}\n";
  const auto brought = *model::parse_config(text, "test");
  Wizard wizard(machine());
  wizard.bring(text);
  EXPECT_TRUE(wizard.problems().empty()) << wizard.problems().front().text;
  EXPECT_EQ(*model::parse_config(wizard.yaml(), "test"), brought);
  wizard.key({KeyKind::enter, {}, 0});     // on to the network
  wizard.key({KeyKind::function, {}, 4});  // the disk
  wizard.key({KeyKind::function, {}, 4});  // storage
  ASSERT_EQ(wizard.at(), WizardPage::data);
  wizard.key({KeyKind::right, {}, 0});
  const auto now = *model::parse_config(wizard.yaml(), "test");
  EXPECT_NE(now.storage.rules.data, brought.storage.rules.data);
  EXPECT_EQ(now.storage.rules.max_osds, brought.storage.rules.max_osds);
  EXPECT_EQ(now.storage.rules.exclude, brought.storage.rules.exclude);
  EXPECT_EQ(now.install, brought.install);
  EXPECT_EQ(now.update, brought.update);
  EXPECT_EQ(now.network, brought.network);
}

// What the file does not say is as it was typed before, and is asked for where it was not.
TEST(Brought, WhatItDoesNotSayIsAsTyped) {
  Wizard wizard(machine());
  wizard.bring("version: 1\nhostname: node-9\n");
  EXPECT_TRUE(std::ranges::contains(wizard.problems(), "ssh_key", &FieldProblem::field)) << "nobody could log in";
  const auto meaning = meaning_of(answers_with({fixed, address}), machine(), "");
  Brought file{.config = *model::parse_config("version: 1\nhostname: node-9\n", "test"),
               .changed = {Part::network, Part::disk, Part::access}};
  const auto both = meaning_of(answers_with({fixed, address}), machine(), "", &file);
  EXPECT_EQ(both.config.network, meaning.config.network);
  EXPECT_EQ(both.config.install, meaning.config.install);
  EXPECT_EQ(both.config.hostname->str(), "node-9");
}

TEST(Brought, ABondKeepsWhatNoPageAsksFor) {
  const std::string text =
      "version: 1\nnetwork:\n  nics: [{name: a, match: {mac: \"52:54:00:00:10:02\"}}, {name: b, match: {mac: "
      "\"52:54:00:00:10:01\"}}]\n"
      "  bonds: [{name: up, members: [a, b], mode: active-backup, primary: a, miimon_ms: 50}]\n"
      "  interfaces: [{link: up, roles: [management], dhcp4: true, ipv6: \"off\"}]\n";
  auto brought = Brought{.config = *model::parse_config(text, "test"), .changed = {}};
  EXPECT_FALSE(page_shows_all(brought.config.network, machine())) << "which card is preferred";
  brought.config.network.bonds.front().primary.reset();
  EXPECT_TRUE(page_shows_all(brought.config.network, machine())) << "whatever the order of the cards";
  brought.changed.insert(Part::network);
  const auto again =
      meaning_of(answers_for(brought.config, machine(), first_answers(machine())), machine(), "", &brought)
          .config.network;
  EXPECT_EQ(again.bonds.front().miimon_ms, 50);
  EXPECT_EQ(again.interfaces.front().roles, std::vector{model::Role::management});
  EXPECT_EQ(again.interfaces.front().ipv6, model::Ipv6Mode::off);
}

TEST(Brought, WhatCannotBeReadChangesNothing) {
  Wizard wizard(machine());
  const auto before = wizard.answers();
  wizard.bring("version: 1\nhostnam: a\n");
  EXPECT_EQ(wizard.answers(), before);
}

}  // namespace
}  // namespace loam::console
