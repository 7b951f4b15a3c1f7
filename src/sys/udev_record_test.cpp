#include "sys/udev_record.hpp"

#include <gtest/gtest.h>

namespace loam::sys {
namespace {

TEST(UdevRecord, PropertiesLinksAndThatTheRulesHaveRun) {
  UdevRecord record;
  add_uevent(record.properties, "MAJOR=8\nMINOR=0\nDEVNAME=sda\n");
  ASSERT_TRUE(add_record(record,
                         "S:disk/by-path/p\nL:10\nS:disk/by-id/wwn-0x5\nI:4711\n"
                         "E:ID_BUS=scsi\nE:ID_MODEL_ENC=A\\x20=B\nG:systemd\nQ:systemd\nV:1\n"));
  EXPECT_TRUE(record.initialized);
  const Properties expected = {{"MAJOR", "8"},     {"MINOR", "0"},
                               {"DEVNAME", "sda"}, {"DEVLINKS", "/dev/disk/by-path/p /dev/disk/by-id/wwn-0x5"},
                               {"ID_BUS", "scsi"}, {"ID_MODEL_ENC", "A\\x20=B"}};
  EXPECT_EQ(record.properties, expected);
}

TEST(UdevRecord, RulesHaveNotRun) {
  UdevRecord record;
  ASSERT_TRUE(add_record(record, "I:0\nV:1\n"));
  EXPECT_FALSE(record.initialized);
}

TEST(UdevRecord, AnotherVersionIsNotRead) {
  for (const auto* const text : {"", "E:A=b\n", "E:A=b\nV:2\n", "E:A=b\nV:10\n", "XV:1\n"}) {
    UdevRecord record;
    EXPECT_FALSE(add_record(record, text)) << text;
    EXPECT_TRUE(record.properties.empty()) << text;
  }
}

TEST(UdevRecord, LinesThatAreNone) {
  UdevRecord record;
  ASSERT_TRUE(add_record(record, "\n:\nE\nE:\nE:=x\nE:novalue\nS:\nV:1"));
  EXPECT_TRUE(record.properties.empty());
}

}  // namespace
}  // namespace loam::sys
