#include "model/window.hpp"

#include <gtest/gtest.h>

namespace loam::model {
namespace {

bool in(const char* window, int weekday, int hour, int minute = 0) {
  return contains(Window::parse(window).value(), {.weekday = weekday, .minute = hour * 60 + minute});
}

TEST(Window, OfEveryDay) {
  EXPECT_TRUE(in("02:00-05:30", 3, 2));
  EXPECT_TRUE(in("02:00-05:30", 0, 5, 29));
  EXPECT_FALSE(in("02:00-05:30", 0, 5, 30));
  EXPECT_FALSE(in("02:00-05:30", 0, 1, 59));
}

TEST(Window, OfOneWeekday) {
  EXPECT_TRUE(in("Sat 02:00-05:00", 6, 3));
  EXPECT_FALSE(in("Sat 02:00-05:00", 0, 3));
}

TEST(Window, OverMidnightBelongsToTheDayOfItsBeginning) {
  EXPECT_TRUE(in("Sat 22:00-04:00", 6, 23));
  EXPECT_TRUE(in("Sat 22:00-04:00", 0, 3));
  EXPECT_FALSE(in("Sat 22:00-04:00", 6, 3));
  EXPECT_TRUE(in("22:00-04:00", 1, 0));
}

TEST(Window, WithBothEndsAtOneTimeIsAWholeDay) {
  EXPECT_TRUE(in("Sun 00:00-00:00", 0, 23, 59));
  EXPECT_FALSE(in("Sun 00:00-00:00", 1, 0));
}

}  // namespace
}  // namespace loam::model
