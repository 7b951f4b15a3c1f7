#include "slots/boot_entries.hpp"

#include <gtest/gtest.h>

namespace loam::slots {
namespace {

TEST(BootEntry, NamesSayHowManyTriesAreLeft) {
  EXPECT_EQ(parse_boot_entry("loam-1.2.3.efi"), (BootEntry{"1.2.3", std::nullopt, 0}));
  EXPECT_EQ(parse_boot_entry("loam-1.2.3+3.efi"), (BootEntry{"1.2.3", 3, 0}));
  EXPECT_EQ(parse_boot_entry("loam-1.2.3+0-3.efi"), (BootEntry{"1.2.3", 0, 3}));
  EXPECT_EQ(parse_boot_entry("loam-1.2.3+rc1+2-1.efi"), (BootEntry{"1.2.3+rc1", 2, 1}));
  for (const auto* const other : {"loam-.efi", "loam-1.efi.new", "linux.efi", "loam-1+.efi", "loam-1+x.efi",
                                  "loam-1+-2.efi", "loam-1+2-.efi", ""})
    EXPECT_EQ(parse_boot_entry(other), std::nullopt) << other;
  EXPECT_TRUE(parse_boot_entry("loam-1.efi")->can_boot());
  EXPECT_FALSE(parse_boot_entry("loam-1+0-3.efi")->can_boot());
  EXPECT_FALSE(parse_boot_entry("loam-1+0-3.efi")->retired());
  EXPECT_TRUE(parse_boot_entry("loam-1+0.efi")->retired());
}

TEST(BootEntry, OnlyOursNewestFirst) {
  const auto entries = boot_entries({"loam-0.9.efi", "loam-0.10+3.efi", "other.efi"});
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].version, "0.10");
}

}  // namespace
}  // namespace loam::slots
