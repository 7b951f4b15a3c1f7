// What every page looks like, at the smallest terminal and at a larger one, held against golden/.
#include <gtest/gtest.h>

#include <format>
#include <string>

#include "base/text.hpp"
#include "cluster/invitation.hpp"
#include "example_facts.hpp"
#include "golden.hpp"
#include "model/parse.hpp"

namespace loam::console {
namespace {

TEST(Pages, Dashboard) {
  App app;
  app.take(example::running_node());
  expect_golden(app, "dashboard");
  app.key({KeyKind::text, "2", 0});
  expect_golden(app, "dashboard-network");
  app.key({KeyKind::text, "3", 0});
  expect_golden(app, "dashboard-disks");
  app.key({KeyKind::text, "4", 0});
  expect_golden(app, "dashboard-system");
  press(app, KeyKind::enter);
  expect_golden(app, "dashboard-menu");
}

// Its end is shown, and what comes later too, unless somebody went back.
TEST(Pages, Log) {
  App app;
  auto facts = example::running_node();
  app.take(facts);
  EXPECT_FALSE(app.wants_log());
  app.key({KeyKind::text, "5", 0});
  EXPECT_TRUE(app.wants_log());
  for (int i = 0; i < 100; ++i) facts.log.push_back(std::format(" 14:03:{:02} loamd: line {}", i % 60, i));
  app.take(facts);
  expect_golden(app, "dashboard-log");
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("line 99\n"));
  press(app, KeyKind::page_up, 20);
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("line 0\n"));
  press(app, KeyKind::enter);
  EXPECT_FALSE(app.wants_log()) << "while the menu is there";
}

TEST(Pages, NetworkOnTrialIsCountedDown) {
  App app;
  auto facts = example::running_node();
  facts.view.conditions.push_back(
      {"NetworkChange", "unknown", "OnTrial", "goes back at 14:05:00 UTC unless it is confirmed"});
  facts.view.network_goes_back = facts.seconds_of_boot + 87;
  app.take(facts);
  expect_golden(app, "dashboard-trial");
  facts.seconds_of_boot += 60;
  app.take(facts);
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("goes back in 27 s"));
}

void choose_deed(App& app, const std::string& label) {
  press(app, KeyKind::enter);
  for (int i = 0; i < 12 && !plain(app.picture(80, 24)).contains("< " + label + " >"); ++i) press(app, KeyKind::down);
  press(app, KeyKind::tab);
  type(app, "secret");
}

// The page of the wizard, by itself, with what is there now; the password that opened it goes with what is applied.
TEST(Pages, NetworkOfANodeThatRuns) {
  App app;
  auto facts = example::running_node();
  app.take(facts);
  choose_deed(app, "Change the network");
  auto order = app.key({KeyKind::enter, {}, 0});
  EXPECT_EQ(order.name, "network-now");
  EXPECT_EQ(order.password, "secret");
  app.answered(order.name,
               std::string("version: 1\nnetwork:\n  nics: [{name: nic0, match: {mac: \"52:54:00:00:10:01\"}}]\n"
                           "  interfaces: [{link: nic0, roles: [management], addresses: [192.0.2.30/24]}]\n"));
  expect_golden(app, "network");
  press(app, KeyKind::down, 2);  // to the bond, which one card does not need
  for (int i = 0; i < 12 && !plain(app.picture(80, 24)).contains("> [ Apply it ]"); ++i) press(app, KeyKind::down);
  order = app.key({KeyKind::enter, {}, 0});
  EXPECT_EQ(order.name, "network");
  EXPECT_EQ(order.password, "secret");
  EXPECT_TRUE(order.argument.contains("192.0.2.30/24")) << order.argument;
  app.answered(order.name, fail("gateway: is not in a network of this interface"));
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("is not in a network of this interface"));
  order = app.key({KeyKind::enter, {}, 0});
  EXPECT_EQ(order.name, "network");
  EXPECT_EQ(app.key({KeyKind::enter, {}, 0}).name, "") << "once, until it is answered";
  app.answered(order.name, std::string("the network is another one now"));
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("the network is another one now"));
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("[1 Overview]"));
}

TEST(Pages, DashboardInTrouble) {
  App app;
  auto facts = example::running_node();
  facts.view.state = "degraded";
  facts.view.conditions.front() = {
      "Network", "false", "NotWorking",
      "gateway 192.0.2.1 does not answer on bond0; nic1 has no carrier: no cable, or the switch port is off"};
  app.take(facts);
  expect_golden(app, "dashboard-degraded");
  facts.problem = "loamd does not run; systemctl status loamd and loamctl logs say why";
  app.take(facts);
  expect_golden(app, "dashboard-silent");
}

TEST(Pages, Installing) {
  App app;
  auto facts = example::blank_machine();
  facts.view.state = "installing";
  facts.view.conditions.push_back({"Install", "unknown", "Running", "installing"});
  facts.view.progress = {.step = "fill-slot",
                         .summary = "4/9 the root of 0.1.0 to slot a",
                         .done = 90U << 20U,
                         .total = 180U << 20U,
                         .seconds_left = 12};
  app.take(facts);
  expect_golden(app, "installing");
}

TEST(Pages, WizardFromFirstToLast) {
  auto app = wizard();
  expect_golden(app, "wizard-1-machine");
  press(app, KeyKind::enter);
  expect_golden(app, "wizard-2-network");
  press(app, KeyKind::down, 7);
  expect_golden(app, "wizard-2-network-try");
  press(app, KeyKind::up);  // to how the address comes
  press(app, KeyKind::right);
  press(app, KeyKind::down);
  type(app, "192.0.2.300/24");
  expect_golden(app, "wizard-2-network-wrong");
  press(app, KeyKind::backspace, 6);
  type(app, "30/24");
  press(app, KeyKind::down);
  type(app, "192.0.2.1");
  app.key({KeyKind::function, {}, 4});
  expect_golden(app, "wizard-3-disk");
  app.key({KeyKind::function, {}, 4});
  expect_golden(app, "wizard-4-data");
  app.key({KeyKind::function, {}, 4});
  expect_golden(app, "wizard-5-cluster");
  app.key({KeyKind::function, {}, 4});
  expect_golden(app, "wizard-6-node");
  app.key({KeyKind::function, {}, 4});
  app.key({KeyKind::function, {}, 4});
  expect_golden(app, "wizard-7-access-wrong");
  press(app, KeyKind::down, 5);
  type(app, "secret");
  press(app, KeyKind::down);
  type(app, "secret");
  const auto plan = app.key({KeyKind::function, {}, 4});
  EXPECT_EQ(plan.name, "plan");
  EXPECT_TRUE(plan.argument.contains("nvme-eui.0025385b91b00001")) << plan.argument;
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("loamd looks at the disks"));
  app.answered(
      plan.name,
      std::string("install 0.1.0 on nvme-eui.0025385b91b00001\n  1.   partition  /dev/nvme0n1: table\n"
                  "the other disks, once the node runs\nwwn-0x5000c500a1b2c3d4: storage: selected by storage.data\n"));
  expect_golden(app, "wizard-8-summary");
  press(app, KeyKind::down);
  const auto order = app.key({KeyKind::enter, {}, 0});
  EXPECT_EQ(order.name, "setup");
  EXPECT_EQ(order.new_password, "secret");
  const auto text = app.yaml_with_password("$y$j9T$salt$hash");
  const auto config = model::parse_config(text, "wizard");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->network.bonds.at(0).mode, model::BondMode::lacp);
  EXPECT_EQ(config->network.interfaces.at(0).addresses.at(0).str(), "192.0.2.30/24");
  EXPECT_EQ(config->install->disk.id->str(), "nvme-eui.0025385b91b00001");
  EXPECT_EQ(config->access.console_password_hash->str(), "$y$j9T$salt$hash");
  EXPECT_FALSE(text.contains("secret")) << text;
  // The same hash again: a file that was saved before and the installed node say the same.
  app.answered("setup", fail("the disk is gone"));
  const auto again = app.key({KeyKind::enter, {}, 0});
  EXPECT_EQ(again.new_password, "");
  EXPECT_EQ(again.argument, text);
}

// A join string says the cluster's name and the role, is checked as it is typed, and is shown nowhere.
TEST(Pages, WizardJoinsByAString) {
  const auto invitation = cluster::to_join_string({.cluster = "rack",
                                                   .role = model::NodeRole::worker,
                                                   .endpoint = "192.0.2.5:6443",
                                                   .pin = "sha256:" + std::string(64, 'a'),
                                                   .token = "abcdef.0123456789abcdef",
                                                   .certificate_key = {},
                                                   .encryption_key = {},
                                                   .until = 4'000'000'000});
  auto app = wizard();
  for (int i = 0; i < 4; ++i) app.key({KeyKind::function, {}, 4});
  press(app, KeyKind::right);
  press(app, KeyKind::down);
  type(app, invitation.substr(0, invitation.size() - 1));
  expect_golden(app, "wizard-5-cluster-join-wrong");
  type(app, invitation.substr(invitation.size() - 1));
  app.key({KeyKind::down, {}, 0});
  expect_golden(app, "wizard-5-cluster-join");
  const auto config = model::parse_config(app.yaml_with_password(""), "wizard");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->cluster->join_string->str(), invitation);
  EXPECT_EQ(config->cluster->role, model::NodeRole::worker);
  press(app, KeyKind::down, 2);
  type(app, "192.0.2.5/24");
  for (int i = 0; i < 2; ++i) app.key({KeyKind::function, {}, 4});
  press(app, KeyKind::down, 5);
  for (int i = 0; i < 2; ++i) {
    type(app, "secret");
    press(app, KeyKind::down);
  }
  const auto plan = app.key({KeyKind::function, {}, 4});
  EXPECT_EQ(plan.name, "plan");
  EXPECT_TRUE(plan.argument.contains(invitation)) << plan.argument;
  const auto seen = plain(app.picture(240, 67));
  EXPECT_TRUE(seen.contains("(as it was given)")) << seen;
  EXPECT_FALSE(seen.contains(invitation));
}

TEST(Pages, TheKeyboardChangesAtOnce) {
  auto app = wizard();
  press(app, KeyKind::down);
  const auto order = app.key({KeyKind::left, {}, 0});
  EXPECT_EQ(order.name, "keyboard");
  EXPECT_EQ(order.argument, "tr");
  expect_golden(app, "wizard-1-keyboard");
}

TEST(Pages, AFileFillsThePagesIn) {
  auto app = wizard();
  press(app, KeyKind::down, 2);
  type(app, "http://192.0.2.1/loam.yaml");
  press(app, KeyKind::down);
  const auto order = app.key({KeyKind::enter, {}, 0});
  EXPECT_EQ(order.name, "load");
  EXPECT_EQ(order.argument, "http://192.0.2.1/loam.yaml");
  app.answered(order.name, std::string("version: 1\nhostnam: a\n"));
  expect_golden(app, "wizard-1-unreadable");
  app.answered(order.name, std::string("version: 1\nhostname: late\n"));
  EXPECT_NE(answer(app.wizard()->answers(), "hostname"), "late") << "nobody asked for that";
  press(app, KeyKind::enter);
  app.answered(order.name, std::string("version: 1\nhostname: node-9\n"));
  EXPECT_EQ(answer(app.wizard()->answers(), "hostname"), "node-9");
  expect_golden(app, "wizard-1-read");
}

// While it installs the dashboard is there; afterwards too, unless it failed.
TEST(Pages, TheWizardGivesWayToTheInstallation) {
  auto app = wizard();
  auto facts = example::blank_machine();
  facts.view.state = "installing";
  app.take(facts);
  EXPECT_TRUE(plain(app.picture(80, 24)).contains(": installing"));
  facts.view.state = "unconfigured";
  facts.view.conditions.push_back({"Install", "false", "Failed", "the disk does not keep what is written to it"});
  app.take(facts);
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("Set up Loam"));
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("the disk does not keep what is written to it"));
  facts.view.conditions.back() = {"Install", "true", "Done", "the disk is bootable; reboot in 5 seconds"};
  app.take(facts);
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("the disk is bootable"));
}

TEST(Pages, BackLosesNothing) {
  auto app = wizard();
  press(app, KeyKind::enter);
  press(app, KeyKind::down, 6);
  press(app, KeyKind::right);
  press(app, KeyKind::down);
  type(app, "192.0.2.30/24");
  app.key({KeyKind::function, {}, 4});
  app.key({KeyKind::function, {}, 3});
  app.key({KeyKind::function, {}, 3});
  press(app, KeyKind::enter);
  EXPECT_EQ(answer(app.wizard()->answers(), "address"), "192.0.2.30/24");
}

// A disk with data is named letter by letter before it is taken.
TEST(Pages, ADiskWithDataIsTypedById) {
  auto app = wizard();
  press(app, KeyKind::enter);
  app.key({KeyKind::function, {}, 4});
  press(app, KeyKind::right);
  app.key({KeyKind::function, {}, 4});
  ASSERT_EQ(app.wizard()->at(), WizardPage::disk);
  expect_golden(app, "wizard-3-disk-with-data");
  type(app, answer(app.wizard()->answers(), "disk"));
  app.key({KeyKind::function, {}, 4});
  EXPECT_EQ(app.wizard()->at(), WizardPage::data);
}

TEST(Pages, WarningsOfAMachine) {
  auto machine = machine_facts(example::blank_machine().machine, "", R"([
    {"id": "a", "bytes": 16000900661248, "rotational": true, "bus": "sas", "class": "foreign", "reason": "holds ext4"},
    {"id": "b", "bytes": 16000900661248, "rotational": true, "bus": "sas", "class": "unusable", "reason": "failing: 99 sectors"}])");
  const auto said = join(machine_warnings(machine), "\n");
  EXPECT_TRUE(said.contains("b, 14.6 TiB, hdd/sas: failing: 99 sectors")) << said;
  EXPECT_TRUE(said.contains("no flash was found")) << said;
  EXPECT_TRUE(said.contains("no disk is blank")) << said;
}

// Who holds the key down does not make loamd load a layout for each.
TEST(Pages, KeyboardsAreChangedOneAtATime) {
  auto app = wizard();
  press(app, KeyKind::down);
  EXPECT_EQ(app.key({KeyKind::left, {}, 0}).argument, "tr");
  EXPECT_EQ(app.key({KeyKind::right, {}, 0}).name, "");
  EXPECT_EQ(app.key({KeyKind::right, {}, 0}).name, "");
  const auto next = app.answered("keyboard", std::string("the keyboard is tr"));
  EXPECT_EQ(next.name, "keyboard");
  EXPECT_EQ(next.argument, app.wizard()->keyboard());
  EXPECT_NE(next.argument, "tr");
  EXPECT_EQ(app.answered("keyboard", std::string("it is")).name, "");
}

TEST(Pages, KeysFromAUrl) {
  auto app = wizard();
  for (int i = 0; i < 6; ++i) app.key({KeyKind::function, {}, 4});
  ASSERT_EQ(app.wizard()->at(), WizardPage::access);
  press(app, KeyKind::down, 3);
  type(app, "https://192.0.2.1/who.keys");
  press(app, KeyKind::down);
  const auto order = app.key({KeyKind::enter, {}, 0});
  EXPECT_EQ(order.name, "keys");
  EXPECT_EQ(order.argument, "https://192.0.2.1/who.keys");
  app.answered(order.name, std::string("<html>no such user</html>\n"));
  expect_golden(app, "wizard-7-no-keys");
  EXPECT_EQ(app.key({KeyKind::enter, {}, 0}).name, "keys");
  const std::string key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHN0YW5kcyBoZXJlIGZvciBhIGtleSBvZiB0ZXN0";
  app.answered(order.name, std::string("# of who\n" + key + " a\n\n" + key + " b\n" + key + " c\n" + key + " d\n"));
  expect_golden(app, "wizard-7-keys-read");
  EXPECT_EQ(answer(app.wizard()->answers(), "ssh_key"), key + " a");
  EXPECT_EQ(answer(app.wizard()->answers(), "ssh_key_3"), key + " c");
}

// What is done after an installation that failed is answered, and the answer stays.
TEST(Pages, AFailureIsToldOnce) {
  auto app = wizard();
  auto facts = example::blank_machine();
  facts.view.conditions.push_back({"Install", "false", "Failed", "the disk does not keep what is written to it"});
  app.take(facts);
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("does not keep"));
  app.answered("save", std::string("saved as loam.yaml on LOAM"));
  app.take(facts);
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("saved as loam.yaml on LOAM"));
  // Another installation that fails by the same is another failure.
  app.answered("setup", std::string("the installation runs"));
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("the installation runs"));
  app.take(facts);  // so soon that nobody has seen it run
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("does not keep"));
}

// A list of what can be done follows what loamd says, and what was typed stays.
TEST(Pages, TheMenuFollowsWhatIsThere) {
  App app;
  Facts facts;
  facts.problem = "loamd has not answered yet";
  app.take(facts);
  app.key({KeyKind::enter, {}, 0});
  EXPECT_FALSE(plain(app.picture(80, 24)).contains("Set up this machine"));
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("Console password"));
  app.take(example::blank_machine());
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("Set up this machine"));
  EXPECT_FALSE(plain(app.picture(80, 24)).contains("Console password"));
}

// The log is read by the console itself.
TEST(Pages, TheLogIsThereWithoutLoamd) {
  App app;
  auto facts = example::running_node();
  facts.problem = "loamd does not run";
  app.take(facts);
  expect_golden(app, "dashboard-loamd-gone");
  app.key({KeyKind::text, "5", 0});
  facts.log = {"14:03:22 systemd: loamd.service: Failed"};
  app.take(facts);
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("loamd.service: Failed"));
}

}  // namespace
}  // namespace loam::console
