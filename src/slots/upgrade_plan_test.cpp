#include "slots/upgrade_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "slots/release.hpp"

namespace loam::slots {
namespace {

Digest digest(int seed) {
  Digest value;
  value.fill(static_cast<std::byte>(seed));
  return value;
}

class Upgrade : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto layout = layout_for(100ULL << 30U, 512).value();
    for (std::size_t i = 0; i < part_count; ++i)
      facts.gpt.partitions.push_back({.number = static_cast<int>(i) + 1,
                                      .offset = layout.parts[i].offset,
                                      .bytes = layout.parts[i].bytes,
                                      .type = std::string(partition_kinds[i].type),
                                      .uuid = "random",
                                      .name = std::string(partition_kinds[i].name)});
    holds(SlotName::a, facts.root_hash);
    release.files = {{"root", {.size = 1U << 30U, .sha256 = {}}},
                     {"verity", {.size = 8U << 20U, .sha256 = {}}},
                     {"efi", {.size = 60U << 20U, .sha256 = {}}},
                     {"boot.efi", {.size = 1U << 17U, .sha256 = {}}}};
  }
  void holds(SlotName slot, const Digest& root) {
    facts.gpt.partitions.at(static_cast<std::size_t>(root_part(slot))).uuid = data_partition_uuid(root);
    facts.gpt.partitions.at(static_cast<std::size_t>(verity_part(slot))).uuid = verity_partition_uuid(root);
  }
  std::string refusal(Force force = Force::no) const {
    const auto planned = plan_upgrade(facts, release, force);
    return planned ? "" : planned.error().text();
  }
  std::string kinds(Force force = Force::no) const {
    std::string text;
    const auto planned = plan_upgrade(facts, release, force).value();
    for (const auto& action : planned.actions) text += action.kind + " ";
    return text;
  }

  UpgradeFacts facts{.machine = "x86_64",
                     .version = "1.4.0",
                     .root_hash = digest(4),
                     .kubernetes = "1.33.1",
                     .config_version = 1,
                     .floor = "1.2.0",
                     .named = true,
                     .gpt = {},
                     .uki_files = {"loam-1.4.0.efi", "loam-1.3.0.efi"},
                     .uki_bytes = {},
                     .esp_free = 1ULL << 30U};
  Manifest release{.version = "1.5.0",
                   .machine = "x86_64",
                   .kernel = "6.12",
                   .kubernetes = "1.34.2",
                   .config_versions = {1, 2},
                   .upgrade_from = "1.0.0",
                   .floor = "1.2.0",
                   .revoked = {},
                   .root_hash = digest(5),
                   .salt = {},
                   .files = {},
                   .uki = {},
                   .uki_in_root = {}};
};

constexpr const char* whole = "retire-slot fetch-tree fill-slot verify-slot name-slot keep-release install-uki ";

TEST_F(Upgrade, FillsTheOtherSlotAndInstallsTheUkiLast) {
  EXPECT_EQ(kinds(), whole);
  EXPECT_EQ(plan_upgrade(facts, release, Force::no)->title, "upgrade Loam 1.4.0 to 1.5.0 in slot b");
  EXPECT_EQ(running_slot(facts.gpt, facts.root_hash), SlotName::a);
  EXPECT_FALSE(running_slot(facts.gpt, digest(9)));
}

TEST_F(Upgrade, IsTheSamePlanUntilItIsDone) {
  const auto before = plan_upgrade(facts, release, Force::no).value();
  facts.uki_files = {"loam-1.4.0.efi", "loam-1.5.0+3.efi.new"};
  holds(SlotName::b, digest(5));
  EXPECT_EQ(plan_upgrade(facts, release, Force::no).value(), before);
  release.root_hash = digest(6);
  EXPECT_NE(plan_upgrade(facts, release, Force::no).value(), before) << "another release of that version";
}

TEST_F(Upgrade, HasNothingLeftToDoWhenItIsInstalled) {
  holds(SlotName::b, digest(5));
  facts.uki_bytes = {{"loam-1.5.0+3.efi", 60U << 20U}};
  EXPECT_EQ(kinds(), "");
  facts.uki_bytes = {{"loam-1.5.0+3.efi", 0}};
  EXPECT_EQ(kinds(), whole) << "a power cut left its name only";
  facts.uki_bytes = {{"loam-1.5.0+0-3.efi", 60U << 20U}};
  EXPECT_EQ(kinds(), whole) << "it failed: somebody asks for it again";
}

TEST_F(Upgrade, RefusesWhatDoesNotFit) {
  release.machine = "aarch64";
  EXPECT_NE(refusal().find("is for aarch64, this machine is x86_64"), std::string::npos) << refusal();
  release.machine = "x86_64";
  release.upgrade_from = "1.4.1";
  EXPECT_NE(refusal().find("upgrade to 1.4.1 first"), std::string::npos) << refusal();
  release.upgrade_from = "1.0.0";
  release.config_versions = {2};
  EXPECT_NE(refusal().find("this node's has version 1"), std::string::npos) << refusal();
  release.config_versions = {1};
  release.version = "1.4.0";
  EXPECT_NE(refusal().find("another Loam 1.4.0 runs"), std::string::npos) << refusal();
}

TEST_F(Upgrade, GoesUpOneMinorVersionOfKubernetesAtATime) {
  release.kubernetes = "1.35.0";
  EXPECT_NE(refusal(Force::yes).find("first"), std::string::npos) << "not even when forced";
  release.kubernetes = "2.0.0";
  EXPECT_NE(refusal(), "");
  release.kubernetes = "1.32.7";
  EXPECT_NE(refusal().find("it does not go back"), std::string::npos);
  EXPECT_EQ(refusal(Force::yes), "");
  for (const auto* const same : {"1.33.9", "1.33.0"}) {
    release.kubernetes = same;
    EXPECT_EQ(refusal(), "") << same;
  }
}

TEST_F(Upgrade, DoesNotTakeKubernetesAwayUnasked) {
  release.kubernetes = "";
  EXPECT_NE(refusal().find("carries no Kubernetes, 1.33.1 runs"), std::string::npos) << refusal();
  EXPECT_EQ(refusal(Force::yes), "");
  EXPECT_TRUE(std::ranges::contains(upgrade_remarks(facts, release), "Kubernetes goes from 1.33.1 to none"));
  facts.in_cluster = true;
  EXPECT_NE(refusal(Force::yes).find("this node is one of a cluster"), std::string::npos) << refusal(Force::yes);
  facts.kubernetes = "";
  EXPECT_NE(refusal(Force::yes), "") << "nor does it become one of a cluster by that";
  facts.in_cluster = false;
  EXPECT_EQ(refusal(), "");
}

TEST_F(Upgrade, SaysWhatLoamYamlItReads) {
  EXPECT_TRUE(std::ranges::contains(upgrade_remarks(facts, release),
                                    "it reads loam.yaml of version 1, 2, this node's has version 1"));
  facts.config_version.reset();
  EXPECT_TRUE(std::ranges::contains(upgrade_remarks(facts, release), "it reads loam.yaml of version 1, 2"));
}

TEST_F(Upgrade, FetchesAllOfItOnlyWhereThatIsAllowed) {
  facts.ranges = false;
  EXPECT_EQ(refusal(), "");
  EXPECT_NE(plan::format(plan_upgrade(facts, release, Force::no).value()).find("all of which is fetched"),
            std::string::npos);
  facts.full_download = false;
  EXPECT_NE(refusal().find("1.0 GiB, would be fetched; put the release on a server with ranges"), std::string::npos)
      << refusal();
  facts.ranges = true;
  EXPECT_EQ(refusal(), "");
}

TEST_F(Upgrade, BackHasNothingLeftToDoWhenTheRunningReleaseWasPutBackForIt) {
  release.version = "1.3.0";
  holds(SlotName::b, digest(5));
  facts.uki_bytes = {{"loam-1.3.0+3.efi", 60U << 20U}};
  facts.uki_files = {"loam-1.4.0.efi", "loam-1.3.0+3.efi"};
  EXPECT_EQ(kinds(), std::string(whole) + "retire-running ");
  facts.uki_files = {"loam-1.4.0+0.efi", "loam-1.3.0+3.efi"};
  EXPECT_EQ(kinds(), "");
  release.version = "1.5.0";
  EXPECT_NE(refusal().find("was put back: the release in the other slot starts next"), std::string::npos) << refusal();
}

TEST_F(Upgrade, GoesBelowTheFloorOnlyWhenForcedAndThenStartsTheOlderOne) {
  release.version = "1.1.0";
  EXPECT_NE(refusal().find("older than 1.2.0"), std::string::npos) << refusal();
  EXPECT_EQ(kinds(Force::yes), std::string(whole) + "retire-running ");
  release.version = "1.3.5";
  EXPECT_EQ(kinds(), std::string(whole) + "retire-running ");
}

TEST_F(Upgrade, DoesNotGoBackToWhatAServerCallsTheLatest) {
  facts.named = false;
  EXPECT_EQ(refusal(), "");
  release.version = "1.3.5";
  EXPECT_NE(refusal().find("is offered as the latest, and is older than 1.4.0"), std::string::npos) << refusal();
  EXPECT_EQ(refusal(Force::yes), "");
}

TEST_F(Upgrade, NeedsRoom) {
  release.files.at("root").size = 7ULL << 30U;
  EXPECT_NE(refusal().find("does not fit slot b"), std::string::npos) << refusal();
  release.files.at("root").size = 1U << 30U;
  release.files.at("verity").size = 65U << 20U;
  EXPECT_NE(refusal().find("its verity takes"), std::string::npos) << refusal();
  release.files.at("verity").size = 8U << 20U;
  facts.esp_free = 120U << 20U;  // it is blessed by a copy
  EXPECT_NE(refusal().find("EFI system partition has"), std::string::npos) << refusal();
}

TEST_F(Upgrade, LeavesTheOtherSlotAloneUntilTheRunningReleaseHasProvenItself) {
  facts.uki_files = {"loam-1.4.0+2-1.efi", "loam-1.3.0.efi"};
  EXPECT_NE(refusal().find("has not proven itself yet"), std::string::npos) << refusal();
  facts.uki_files = {"loam-1.4.0+0.efi", "loam-1.3.0.efi"};
  EXPECT_NE(refusal().find("was put back"), std::string::npos) << "while it runs";
  facts.uki_files = {"loam-1.4.0+2-1.efi", "loam-1.5.0+0.efi"};
  EXPECT_NE(refusal(), "") << "what was put back starts when nothing else does, if it is newer";
  for (const auto& nothing :
       {std::vector<std::string>{}, {"loam-1.3.0+0-3.efi"}, {"loam-1.3.0+0.efi"}, {"loam-1.4.0.efi"}}) {
    facts.uki_files = nothing;
    facts.uki_files.emplace_back("loam-1.4.0+2-1.efi");
    EXPECT_EQ(refusal(), "") << "there is nothing to fall back to";
  }
}

// The other slot would be erased, and nothing of this one starts again if what comes does not.
TEST_F(Upgrade, KeepsTheOnlySlotThatStillStarts) {
  facts.uki_files = {"loam-1.4.0.efi", "loam-1.3.0.efi"};
  facts.running_starts = false;
  EXPECT_NE(refusal().find("the UKI of Loam 1.4.0, which runs, cannot be read"), std::string::npos) << refusal();
  EXPECT_TRUE(plan_upgrade(facts, release, Force::yes));
  facts.uki_files = {"loam-1.4.0.efi"};
  EXPECT_EQ(refusal(), "") << "there is nothing to lose";
}

TEST_F(Upgrade, TakesWhatIsOursAndOfNoUse) {
  EXPECT_EQ(
      foreign_ukis({"loam-1.4.0.efi", "loam-1.3.0+0-3.efi", "other.efi", "loam-1.5.0+3.efi.new", "loam-1.4.0.efi.new"},
                   "1.4.0"),
      (std::vector<std::string>{"loam-1.3.0+0-3.efi", "loam-1.5.0+3.efi.new"}));
}

}  // namespace
}  // namespace loam::slots
