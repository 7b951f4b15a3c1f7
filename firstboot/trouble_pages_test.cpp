// What the pages look like where something is wrong, and what they do not do then.
#include <gtest/gtest.h>

#include <format>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "example_facts.hpp"
#include "golden.hpp"

namespace loam::console {
namespace {

// What failed, why, what to do, where the log is, and how it is tried again.
TEST(Pages, FailuresHaveAPage) {
  App app;
  auto facts = example::blank_machine();
  facts.view.conditions.push_back({"Install", "false", "Failed",
                                   "sector 4096 of nvme-eui.0025385b91b00001 does not keep what is written to it; the "
                                   "disk is dying: replace it"});
  app.take(facts);
  expect_golden(app, "dashboard-install-failed");
  facts.view.conditions.back() = {"Install", "false", "Refused",
                                  "no disk matches install.disk; the disks of this machine: none; change install.disk "
                                  "to match exactly one"};
  app.take(facts);
  expect_golden(app, "dashboard-install-refused");
  facts = example::running_node();
  facts.view.state = "degraded";
  facts.view.conditions[2] = {"Config", "false", "Invalid",
                              "loam.yaml:2:1: hostnme: unknown key; did you mean hostname?"};
  app.take(facts);
  expect_golden(app, "dashboard-config-refused");
  facts = example::running_node();
  facts.view.conditions.push_back(
      {"Upgrade", "false", "FellBack", "booted 0.1.0, meant 0.2.0: the network did not work within 20 minutes"});
  app.take(facts);
  expect_golden(app, "dashboard-fell-back");
}

TEST(Pages, Upgrading) {
  App app;
  auto facts = example::running_node();
  facts.view.state = "upgrading";
  facts.view.conditions.push_back({"Upgrade", "unknown", "Running", "the root of 0.2.0 to slot b"});
  facts.view.progress = {.step = "fill",
                         .summary = "3/6 the root of 0.2.0 to slot b",
                         .done = 30U << 20U,
                         .total = 120U << 20U,
                         .seconds_left = 45};
  facts.upgrade = R"({"running": "0.1.0", "state": "pending", "meant": "0.2.0", "message": "", "offered": "0.2.0",
    "error": "", "check_error": "", "automatic": false, "step": "fill", "summary": "the root of 0.2.0 to slot b",
    "done": 31457280, "total": 125829120, "seconds_left": 45})";
  app.take(facts);
  expect_golden(app, "dashboard-upgrading");
  app.key({KeyKind::text, "4", 0});
  expect_golden(app, "dashboard-upgrading-system");
}

// Sideways as far as there is something, and no letter is cut in two.
TEST(Pages, TheLogGoesSideways) {
  App app;
  auto facts = example::running_node();
  app.take(facts);
  app.key({KeyKind::text, "5", 0});
  facts.log = {" 14:03:22 " + std::string(19, 'a') + "äöü" + std::string(80, 'b') + "END"};
  app.take(facts);
  app.picture(80, 24);
  press(app, KeyKind::right, 4);
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("\n" + std::string(80, 'b') + "\n")) << "32 letters further";
  press(app, KeyKind::right, 100);
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("bEND"));
  press(app, KeyKind::left);
  EXPECT_FALSE(plain(app.picture(80, 24)).contains("END")) << "one key leads back at once";
}

TEST(Pages, APlanThatIsRefused) {
  auto app = at_the_summary();
  app.answered("plan",
               fail("nvme-eui.0025385b91b00001 needs the driver mpt3sas, which the installed system has too late "
                    "to boot from it",
                    "choose a disk on another controller, and report this one"));
  expect_golden(app, "wizard-8-refused");
}

// The last page says what is missing, and where, before anything is pressed.
TEST(Pages, ASummaryThatIsNotGoodSaysWhy) {
  auto app = at_the_summary();
  auto facts = example::blank_machine();
  facts.disks = "[]";
  app.take(facts);
  expect_golden(app, "wizard-8-missing");
  press(app, KeyKind::down);
  EXPECT_EQ(app.key({KeyKind::enter, {}, 0}).name, "");
  EXPECT_EQ(app.wizard()->at(), WizardPage::summary);
}

// Whatever was looked at, what Enter presses is in sight.
TEST(Pages, WhatHasTheKeysIsInSight) {
  auto app = at_the_summary();
  std::string plan = "install 0.1.0\n";
  for (int i = 0; i < 60; ++i) plan += std::format("  {}. step\n", i);
  app.answered("plan", plan);
  app.picture(80, 24);
  press(app, KeyKind::page_down, 100);
  EXPECT_FALSE(plain(app.picture(80, 24)).contains("[ Install ]"));
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("name: \"loam\"")) << "its end, not behind it";
  press(app, KeyKind::page_up);
  press(app, KeyKind::down);
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("> ")) << plain(app.picture(80, 24));
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("[ Install ]"));
}

// The virtual address is on one of the nodes; an OSD whose disk is gone is still this node's.
TEST(Pages, WhatIsElsewhereOrGone) {
  App app;
  auto facts = example::running_node();
  app.take(facts);
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("VIP 192.0.2.5 (here)"));
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("OSDs: 1 here\n"));
  const auto at = facts.links.find("\"192.0.2.5/24\", ");
  ASSERT_NE(at, facts.links.npos);
  facts.links.erase(at, std::string_view("\"192.0.2.5/24\", ").size());
  facts.disks.insert(facts.disks.rfind(']'), R"(, {"id": "wwn-0x1", "class": "gone", "use": "osd"})");
  app.take(facts);
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("VIP 192.0.2.5 (elsewhere)"));
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("OSDs: 1 here; 1 of disks that are not there"));
}

TEST(Pages, AWrongHostname) {
  auto app = wizard();
  for (int i = 0; i < 5; ++i) app.key({KeyKind::function, {}, 4});
  ASSERT_EQ(app.wizard()->at(), WizardPage::node);
  app.key({KeyKind::control, "u", 0});
  type(app, "Node_1");
  expect_golden(app, "wizard-6-node-wrong");
}

// Two machines are not offered the same name, and one that the network gave is taken.
TEST(Pages, TheNameThatIsOffered) {
  auto app = wizard();
  EXPECT_EQ(answer(app.wizard()->answers(), "hostname"), "loam-001001");
  auto facts = example::blank_machine();
  facts.hostname = "rack3-7";
  app.take(facts);
  EXPECT_EQ(answer(app.wizard()->answers(), "hostname"), "rack3-7");
  facts.hostname = "No_Name";
  app.take(facts);
  EXPECT_EQ(answer(app.wizard()->answers(), "hostname"), "loam-001001");
  for (int i = 0; i < 5; ++i) app.key({KeyKind::function, {}, 4});
  app.key({KeyKind::control, "u", 0});
  type(app, "mine");
  facts.hostname = "rack3-8";
  app.take(facts);
  EXPECT_EQ(answer(app.wizard()->answers(), "hostname"), "mine") << "what was typed stays";
}

// The engine would refuse them, and a file that names one is no better.
TEST(Pages, NoMediumIsADiskOfTheSystem) {
  DiskFacts disk;
  disk.content = "why";
  for (const auto* const cls : {"removable", "unread", "busy", "unusable", "gone"}) {
    disk.cls = cls;
    EXPECT_EQ(why_not_for_the_system(disk), "why") << cls;
  }
  for (const auto* const cls : {"blank", "foreign", "osd"}) {
    disk.cls = cls;
    EXPECT_EQ(why_not_for_the_system(disk), "") << cls;
  }
  disk.removable = true;
  EXPECT_NE(why_not_for_the_system(disk), "");
}

// Of a node without a usable loam.yaml nobody knows the password.
TEST(Pages, ANodeThatLostItsFile) {
  App app;
  auto facts = example::running_node();
  facts.view.state = "degraded";
  facts.view.conditions[2] = {"Config", "false", "Unreadable",
                              "loam.yaml: no such file; loamctl apply FILE by ssh, or install this node again"};
  facts.machine = R"({"live": false, "console": "lost"})";
  app.take(facts);
  press(app, KeyKind::enter);
  expect_golden(app, "dashboard-menu-lost");
  press(app, KeyKind::down);
  const auto order = app.key({KeyKind::enter, {}, 0});
  EXPECT_EQ(order.name, "reboot");
}

// loamd is told who is there, and a password that it does not take opens no wizard.
TEST(Pages, WhoIsInTheWizardIsTold) {
  App app;
  auto facts = example::blank_machine();
  facts.machine = R"({"live": true, "console": "password"})";
  app.take(facts);
  EXPECT_FALSE(app.setting_up());
  press(app, KeyKind::enter, 2);
  type(app, "wrong");
  press(app, KeyKind::enter);
  ASSERT_TRUE(app.setting_up());
  EXPECT_EQ(app.stay().name, "wizard");
  EXPECT_EQ(app.stay().password, "wrong");
  app.answered("wizard", fail("the password is wrong; the next try is possible in 2 s"));
  EXPECT_FALSE(app.setting_up());
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("the password is wrong"));
  app.take(example::blank_machine());
  press(app, KeyKind::enter, 2);
  ASSERT_TRUE(app.setting_up());
  app.answered("wizard", fail("loamd does not run"));
  EXPECT_TRUE(app.setting_up()) << "what is typed can go on";
  EXPECT_TRUE(plain(app.picture(80, 24)).contains("loamd does not run"));
}

// What was brought without a password asks for none, as a console's own installation.
TEST(Pages, TheDoorIsLoamdsToSay) {
  App app;
  auto facts = example::blank_machine();
  facts.view.state = "installing";
  facts.view.conditions.push_back({"Config", "true", "Valid", "LOAM:loam.yaml"});
  app.take(facts);
  press(app, KeyKind::enter);
  EXPECT_FALSE(plain(app.picture(80, 24)).contains("Console password"));
}

}  // namespace
}  // namespace loam::console
