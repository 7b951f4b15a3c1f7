#include "diskmgr/health.hpp"

#include <gtest/gtest.h>

namespace loam::diskmgr {
namespace {

TEST(Health, AtaDisks) {
  const auto good = parse_smartctl(R"({"smart_status":{"passed":true},"temperature":{"current":31},
      "power_on_time":{"hours":4321},"ata_smart_attributes":{"table":[{"id":5,"raw":{"value":0}}]}})");
  EXPECT_EQ(good, (Health{HealthState::good, "", 31, 4321, {}}));
  const auto worn = parse_smartctl(R"({"smart_status":{"passed":true},"ata_smart_attributes":{"table":[
      {"id":5,"raw":{"value":8}},{"id":197,"raw":{"value":12}},{"id":198,"raw":{"value":3}},{"id":9,"raw":{"value":99}}]}})");
  EXPECT_EQ(worn->state, HealthState::warning);
  EXPECT_EQ(worn->why, "8 sectors were replaced; 12 sectors wait to be replaced; 3 sectors could not be read");
  const auto failing = parse_smartctl(R"({"smart_status":{"passed":false}})");
  EXPECT_EQ(failing, (Health{HealthState::failing, "SMART says that it fails", {}, {}, {}}));
}

TEST(Health, ScsiDisks) {
  const auto health = parse_smartctl(R"({"smart_status":{"passed":true},"scsi_grown_defect_list":2,
      "scsi_error_counter_log":{"read":{"total_uncorrected_errors":1},"write":{"total_uncorrected_errors":0}}})");
  EXPECT_EQ(health->state, HealthState::warning);
  EXPECT_EQ(health->why, "2 sectors were replaced; 1 errors of read could not be corrected");
  // QEMU's disks, and RAID controllers, say nothing.
  EXPECT_EQ(parse_smartctl(R"({"smart_support":{"available":false}})"), Health{});
}

TEST(Health, NvmeDisks) {
  const auto good = parse_nvme(R"({"critical_warning":0,"temperature":323,"avail_spare":100,"percent_used":3,
      "media_errors":0,"power_on_hours":12})");
  EXPECT_EQ(good, (Health{HealthState::good, "", 49, 12, 3}));
  const auto failing =
      parse_nvme(R"({"critical_warning":{"value":9},"temperature":300,"media_errors":"2","percent_used":101})");
  EXPECT_EQ(failing->state, HealthState::failing);
  EXPECT_EQ(
      failing->why,
      "its spare blocks are used up; it takes no more writes; 2 blocks could not be read; 101 % of its endurance are "
      "used");
  EXPECT_EQ(parse_nvme(R"({"critical_warning":2})")->state, HealthState::warning) << "hot disks do not fail yet";
  EXPECT_EQ(parse_nvme("{}"), Health{});
}

TEST(Health, WhatIsNoAnswerIsAnError) {
  for (const auto* const text : {"", "[]", "no such device", "{"}) {
    EXPECT_FALSE(parse_smartctl(text)) << text;
    EXPECT_FALSE(parse_nvme(text)) << text;
  }
  EXPECT_FALSE(parse_smartctl(
      R"({"smart_status":{"passed":true},"ata_smart_attributes":{"table":[{"id":5,"raw":{"value":18446744073709551615}}]}})"));
  EXPECT_EQ(parse_smartctl(R"({"smart_status":3,"temperature":{"current":"warm"}})"), Health{});
}

TEST(Health, GoesThroughJson) {
  const Health health{HealthState::warning, "8 sectors were replaced", 31, 4321, 7};
  EXPECT_EQ(parse_health(to_json(health)), health);
  EXPECT_EQ(parse_health(to_json(Health{})), Health{});
}

}  // namespace
}  // namespace loam::diskmgr
