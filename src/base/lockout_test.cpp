#include "base/lockout.hpp"

#include <gtest/gtest.h>

namespace loam {
namespace {

using std::chrono::seconds;

TEST(Lockout, GrowsWithEachFailureAndEndsWithASuccess) {
  Lockout lockout;
  auto now = Lockout::Clock::now();
  EXPECT_EQ(lockout.left(now), seconds(0));
  for (const int wait : {2, 4, 8, 16, 32, 64, 128, 256, 300, 300}) {
    lockout.failed(now);
    EXPECT_EQ(lockout.left(now), seconds(wait));
    EXPECT_EQ(lockout.left(now + seconds(wait - 1)), seconds(1));
    now += seconds(wait);
    EXPECT_EQ(lockout.left(now), seconds(0));
  }
  lockout.succeeded();
  lockout.failed(now);
  EXPECT_EQ(lockout.left(now), seconds(2));
}

}  // namespace
}  // namespace loam
