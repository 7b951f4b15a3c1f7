#include "slots/upgrade_schedule.hpp"

#include <gtest/gtest.h>

namespace loam::slots {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

const std::chrono::steady_clock::time_point noon{hours(1000)};

TEST(UpgradeSchedule, LooksAtFirstAndEverySixHours) {
  EXPECT_TRUE(look_is_due({}, noon, false));
  const LastLook last{.at = noon, .failed = false, .window_open = false};
  EXPECT_FALSE(look_is_due(last, noon + hours(5), false));
  EXPECT_TRUE(look_is_due(last, noon + hours(6), false));
}

TEST(UpgradeSchedule, LooksWhenAWindowOpensAndNotAllThroughIt) {
  const LastLook outside{.at = noon, .failed = false, .window_open = false};
  EXPECT_TRUE(look_is_due(outside, noon + minutes(5), true));
  const LastLook inside{.at = noon, .failed = false, .window_open = true};
  EXPECT_FALSE(look_is_due(inside, noon + minutes(5), true));
}

TEST(UpgradeSchedule, TriesAgainSoonerAfterAFailure) {
  const LastLook last{.at = noon, .failed = true, .window_open = true};
  EXPECT_FALSE(look_is_due(last, noon + minutes(29), true));
  EXPECT_TRUE(look_is_due(last, noon + minutes(30), true));
}

}  // namespace
}  // namespace loam::slots
