#include "serial_speed.hpp"

#include <gtest/gtest.h>

namespace loam::console {
namespace {

TEST(SerialSpeed, WhatIsSaidHolds) {
  constexpr auto* cmdline = "quiet console=tty0 console=ttyS0,115200 console=ttyS1,9600n8 console=ttyS2\n";
  EXPECT_FALSE(has_default_speed(cmdline, "ttyS0"));
  EXPECT_FALSE(has_default_speed(cmdline, "ttyS1"));
  EXPECT_TRUE(has_default_speed(cmdline, "ttyS2"));
  EXPECT_TRUE(has_default_speed(cmdline, "ttyS3"));
  EXPECT_TRUE(has_default_speed("xconsole=ttyS1,9600", "ttyS1"));
  EXPECT_TRUE(has_default_speed("console=ttyS10,9600", "ttyS1"));
  EXPECT_TRUE(has_default_speed("", "ttyS1"));
}

}  // namespace
}  // namespace loam::console
