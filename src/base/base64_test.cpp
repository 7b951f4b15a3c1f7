#include "base/base64.hpp"

#include <gtest/gtest.h>

#include <string>

namespace loam {
namespace {

// The examples of RFC 4648, section 10.
TEST(Base64, IsThatOfTheStandard) {
  EXPECT_EQ(to_base64(""), "");
  EXPECT_EQ(to_base64("f"), "Zg==");
  EXPECT_EQ(to_base64("fo"), "Zm8=");
  EXPECT_EQ(to_base64("foo"), "Zm9v");
  EXPECT_EQ(to_base64("foob"), "Zm9vYg==");
  EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(to_base64("\xfb\xff"), "+/8=");
  EXPECT_EQ(to_base64url("\xfb\xff"), "-_8");
}

TEST(Base64, ComesBackAsItWas) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    EXPECT_EQ(from_base64url(to_base64url(bytes)), bytes);
    EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
    bytes += static_cast<char>(i);
  }
}

TEST(Base64, TakesOneTextForEachValueOnly) {
  for (const auto* const bad : {"A", "Zg==", "Zh", "Zm9v\n", "Zm 9", "+/8", "Zm9vA"})
    EXPECT_FALSE(from_base64url(bad)) << bad;
  for (const auto* const bad : {"A", "Zg", "Zh==", "Zg=", "Zg===", "====", "=", "Zm9v\n", "Zm 9", "-_8=", "Zm9vA==="})
    EXPECT_FALSE(from_base64(bad)) << bad;
}

}  // namespace
}  // namespace loam
