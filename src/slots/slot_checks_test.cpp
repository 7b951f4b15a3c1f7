#include "slots/slot_checks.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "testing/temp_dir.hpp"

namespace loam::slots {
namespace {

TEST(SlotChecks, AreKeptInAFile) {
  const testing::TempDir dir;
  const auto path = dir / "checks";
  EXPECT_TRUE(read_slot_checks(path).empty());
  ASSERT_TRUE(note_slot_check(path, "aa", {.when = 1795770000, .problem = {}}));
  ASSERT_TRUE(note_slot_check(path, "bb", {.when = 1795770060, .problem = "block 7 is not the release's"}));
  const SlotChecks both = {{"aa", {.when = 1795770000, .problem = {}}},
                           {"bb", {.when = 1795770060, .problem = "block 7 is not the release's"}}};
  EXPECT_EQ(read_slot_checks(path), both);
  ASSERT_TRUE(note_slot_check(path, "bb", {.when = 5, .problem = {}}));
  EXPECT_TRUE(read_slot_checks(path).at("bb").good());
}

TEST(SlotChecks, OnlyTheLastAreKeptAndWhatWasSeenNowAlways) {
  const testing::TempDir dir;
  for (int i = 1; i <= 6; ++i)
    ASSERT_TRUE(note_slot_check(dir / "checks", std::to_string(i), {.when = i, .problem = {}}));
  ASSERT_TRUE(note_slot_check(dir / "checks", "clock went back", {.when = 0, .problem = {}}));
  const auto kept = read_slot_checks(dir / "checks");
  EXPECT_EQ(kept.size(), 4U);
  EXPECT_TRUE(kept.contains("clock went back") && kept.contains("6") && !kept.contains("3"));
}

TEST(SlotChecks, WhatCannotBeReadIsNotKnown) {
  for (const auto* const text : {"", "[", "[]", "3", R"({"a":3})", R"({"a":{"when":"now","problem":""}})",
                                 R"({"a":{"when":1}})", R"({"a":{"when":1,"problem":[]}})"})
    EXPECT_TRUE(parse_slot_checks(text).empty()) << text;
  EXPECT_EQ(parse_slot_checks(R"({"a":{"when":9223372036854775807,"problem":""}})").at("a").when, 253402300799);
}

TEST(SlotChecks, AreShown) {
  EXPECT_EQ(check_text(nullptr), "never");
  SlotCheck check{.when = 1795770720, .problem = {}};
  EXPECT_EQ(check_text(&check), "2026-11-27 09:12 UTC");
  check.problem = "why";
  EXPECT_EQ(check_text(&check), "not whole, 2026-11-27 09:12 UTC");
}

}  // namespace
}  // namespace loam::slots
