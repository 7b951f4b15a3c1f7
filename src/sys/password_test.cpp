#include "sys/password.hpp"

#include <gtest/gtest.h>

namespace loam::sys {
namespace {

TEST(Password, MatchesItsOwnHashOnly) {
  const auto hash = hash_password("correct horse");
  ASSERT_TRUE(hash) << hash.error().text();
  EXPECT_TRUE(hash->starts_with("$y$")) << *hash;
  EXPECT_TRUE(password_matches("correct horse", *hash));
  EXPECT_FALSE(password_matches("correct horsf", *hash));
  EXPECT_FALSE(password_matches("", *hash));
  EXPECT_NE(*hash_password("correct horse"), *hash) << "each has a salt of its own";
}

TEST(Password, WhatIsNoHashMatchesNothing) {
  for (const auto* const none : {"", "*", "*0", "x", "correct horse", "$y$"})
    EXPECT_FALSE(password_matches("correct horse", none)) << none;
}

}  // namespace
}  // namespace loam::sys
