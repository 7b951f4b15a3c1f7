#include "slots/unclean_starts.hpp"

#include <gtest/gtest.h>

#include <string>

namespace loam::slots {
namespace {

TEST(UncleanStarts, ThreeThenAMenuThatEndsThreeMoreThenOneThatStays) {
  std::string seen;
  std::int64_t count = 0;
  for (int i = 0; i < 9; ++i) {
    const auto start = count_start(count);
    seen += start.menu == BootMenu::none ? 's' : start.menu == BootMenu::timed ? 't' : 'M';
    count = start.count;
  }
  EXPECT_EQ(seen, "ssstsssMs");
}

TEST(UncleanStarts, ACountThatIsNoneBeginsAnew) {
  for (const std::int64_t damaged : {-1, 8, 1'000'000}) {
    EXPECT_EQ(count_start(damaged).menu, BootMenu::none);
    EXPECT_EQ(count_start(damaged).count, 1);
  }
}

}  // namespace
}  // namespace loam::slots
