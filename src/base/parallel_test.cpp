#include "base/parallel.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace loam {
namespace {

TEST(Parallel, EveryOneOnceWhateverTheNumber) {
  for (const std::size_t count : {0U, 1U, 7U, 1000U}) {
    std::vector<int> times(count);
    parallel_for(count, 10, [&](std::size_t i) { ++times[i]; });
    EXPECT_EQ(times, std::vector<int>(count, 1));
  }
}

TEST(Parallel, FewAreDoneHere) {
  const auto here = std::this_thread::get_id();
  parallel_for(19, 10, [&](std::size_t) { EXPECT_EQ(std::this_thread::get_id(), here); });
}

}  // namespace
}  // namespace loam
