#include "base/zeros.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace loam {
namespace {

TEST(Zeros, OneOtherByteAnywhereIsSeen) {
  std::vector<std::byte> data(4097);
  EXPECT_TRUE(all_zero(data));
  EXPECT_TRUE(all_zero({}));
  for (const std::size_t at : {0, 1, 2048, 4096}) {
    data[at] = std::byte{1};
    EXPECT_FALSE(all_zero(data)) << at;
    data[at] = std::byte{0};
  }
}

}  // namespace
}  // namespace loam
