#include "slots/upgrade_record.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "plan/journal.hpp"
#include "testing/temp_dir.hpp"

namespace loam::slots {
namespace {

const UpgradeRecord record{.from = "1.4.0", .meant = "1.5.0", .failure = {}, .by_itself = true};

UpgradeState state(const std::string& running, const std::vector<std::string>& files,
                   const std::optional<BootFailure>& failure = {}) {
  return judge_upgrade(record, running, boot_entries(files), failure).state;
}

TEST(UpgradeRecord, SaysWhatBecameOfTheReleaseThatWasMeant) {
  EXPECT_EQ(judge_upgrade({}, "1.4.0", {}, {}).state, UpgradeState::none);
  EXPECT_EQ(state("1.4.0", {"loam-1.4.0.efi", "loam-1.5.0+3.efi"}), UpgradeState::pending);
  EXPECT_EQ(state("1.5.0", {"loam-1.4.0.efi", "loam-1.5.0+2-1.efi"}), UpgradeState::trial);
  EXPECT_EQ(state("1.5.0", {"loam-1.4.0.efi", "loam-1.5.0.efi"}), UpgradeState::proven);
  EXPECT_EQ(state("1.5.0", {"loam-1.4.0.efi", "loam-1.5.0+0.efi"}), UpgradeState::none) << "put back while it runs";
  EXPECT_EQ(state("1.5.0", {"loam-1.4.0.efi"}), UpgradeState::none) << "its UKI is gone";
  EXPECT_EQ(state("1.4.0", {"loam-1.4.0.efi", "loam-1.5.0+0-3.efi"}), UpgradeState::fell_back);
  EXPECT_EQ(state("1.4.0", {"loam-1.4.0.efi", "loam-1.5.0+0.efi"}), UpgradeState::none) << "put back by a person";
  EXPECT_EQ(state("1.4.0", {"loam-1.4.0.efi"}), UpgradeState::none);
}

TEST(UpgradeRecord, AReasonIsShownIfItIsOfThatRelease) {
  const auto entries = boot_entries({"loam-1.4.0.efi", "loam-1.5.0+0-3.efi"});
  const auto told = judge_upgrade(record, "1.4.0", entries, BootFailure{"1.5.0", "kubelet not ready after 600 s"});
  EXPECT_EQ(told.message, "booted 1.4.0, meant 1.5.0: kubelet not ready after 600 s");
  const auto other = judge_upgrade(record, "1.4.0", entries, BootFailure{"1.3.0", "of another age"});
  EXPECT_NE(other.message.find("without a word"), std::string::npos) << other.message;
  auto noted = record;
  noted.failure = "what was said before";
  EXPECT_EQ(judge_upgrade(noted, "1.4.0", entries, {}).failure, "what was said before");
}

TEST(UpgradeRecord, SaysWhyAReleaseCannotBeBlessed) {
  const auto entries = boot_entries({"loam-1.4.0.efi", "loam-1.5.0+2-1.efi"});
  const auto told = judge_upgrade(record, "1.5.0", entries, BootFailure{"1.5.0", "/efi: no space left on device"});
  EXPECT_EQ(told.state, UpgradeState::trial);
  EXPECT_NE(told.message.find("no space left"), std::string::npos) << told.message;
}

// It is on trial like any; what ran before takes over when it does not start any more.
TEST(UpgradeRecord, GoesBackToAnOlderRelease) {
  const UpgradeRecord back{.from = "1.5.0", .meant = "1.4.0", .failure = {}, .by_itself = false};
  const auto judged = [&](const std::string& running, const std::vector<std::string>& files) {
    return judge_upgrade(back, running, boot_entries(files), {});
  };
  EXPECT_EQ(judged("1.5.0", {"loam-1.4.0+3.efi", "loam-1.5.0+0.efi"}).state, UpgradeState::pending);
  EXPECT_EQ(judged("1.4.0", {"loam-1.4.0+2-1.efi", "loam-1.5.0+0.efi"}).state, UpgradeState::trial);
  EXPECT_EQ(judged("1.4.0", {"loam-1.4.0.efi", "loam-1.5.0+0.efi"}).message, "went back from 1.5.0 to 1.4.0");
  EXPECT_EQ(judged("1.5.0", {"loam-1.4.0+0-3.efi", "loam-1.5.0+0.efi"}).state, UpgradeState::fell_back);
}

TEST(UpgradeRecord, AnOlderReleaseChosenInTheMenuIsNoFailure) {
  EXPECT_EQ(state("1.4.0", {"loam-1.4.0.efi", "loam-1.5.0+2-1.efi"}), UpgradeState::pending);
  EXPECT_EQ(state("1.4.0", {"loam-1.4.0.efi", "loam-1.5.0+2-1.efi"}, BootFailure{"1.5.0", "why"}),
            UpgradeState::fell_back);
}

TEST(UpgradeRecord, WhatIsMeantAnewHasNotFailed) {
  const testing::TempDir dir;
  std::ofstream(dir / "boot-failure.json") << to_json(BootFailure{"1.5.0", "why"});
  ASSERT_TRUE(mean_release(dir.path(), record));
  EXPECT_EQ(read_upgrade_record(dir / "upgrade.json"), record);
  EXPECT_FALSE(read_boot_failure(dir / "boot-failure.json"));
}

TEST(UpgradeRecord, TellsOfAnUpgradeThatWasCutOff) {
  const testing::TempDir dir;
  const plan::Plan plan{.title = "upgrade Loam 1.4.0 to 1.5.0 in slot b",
                        .actions = {{.kind = "retire-slot",
                                     .target = "slot b",
                                     .summary = "what it held cannot be started any more",
                                     .destroys = false,
                                     .arguments = {{"root-hash", "15"}}}}};
  EXPECT_FALSE(interrupted_upgrade(dir / "journal", "14"));
  auto journal = plan::Journal::open(dir / "journal", plan);
  ASSERT_TRUE(journal && journal->begin(0));
  const auto title = interrupted_upgrade(dir / "journal", "14");
  EXPECT_EQ(title, plan.title);
  EXPECT_FALSE(interrupted_upgrade(dir / "journal", "15")) << "it is what runs";
  for (const auto before : {UpgradeState::none, UpgradeState::proven}) {
    const auto told = with_interrupted({.state = before, .message = {}, .failure = {}}, title);
    EXPECT_EQ(told.state, UpgradeState::interrupted);
    EXPECT_NE(told.message.find("upgrade Loam 1.4.0 to 1.5.0 in slot b"), std::string::npos) << told.message;
  }
  for (const auto other : {UpgradeState::pending, UpgradeState::trial, UpgradeState::fell_back})
    EXPECT_EQ(with_interrupted({.state = other, .message = {}, .failure = {}}, title).state, other);
  ASSERT_TRUE(journal->finish(0) && journal->complete());
  EXPECT_FALSE(interrupted_upgrade(dir / "journal", "14"));
  EXPECT_EQ(with_interrupted({}, {}).state, UpgradeState::none);
}

TEST(UpgradeRecord, IsKeptInFiles) {
  const testing::TempDir dir;
  std::ofstream(dir / "record") << to_json(record);
  EXPECT_EQ(read_upgrade_record(dir / "record"), record);
  const BootFailure failure{"1.5.0", "a \"reason\"\nin two lines"};
  std::ofstream(dir / "failure") << to_json(failure);
  EXPECT_EQ(read_boot_failure(dir / "failure")->version, "1.5.0");
  for (const auto* const text : {"", "{", "[]", R"({"meant":3,"version":[]})"}) {
    std::ofstream(dir / "bad") << text;
    EXPECT_FALSE(read_upgrade_record(dir / "bad")) << text;
    EXPECT_FALSE(read_boot_failure(dir / "bad")) << text;
  }
  EXPECT_FALSE(read_upgrade_record(dir / "none"));
}

}  // namespace
}  // namespace loam::slots
