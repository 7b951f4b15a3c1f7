#include "slots/http_range.hpp"

#include <gtest/gtest.h>

namespace loam::slots {

TEST(HttpRange, IsReadAsServersWriteIt) {
  EXPECT_EQ(parse_content_range("bytes 0-4095/1048576").value(), (ContentRange{0, 4095, 1048576}));
  EXPECT_EQ(parse_content_range(" Bytes 5-5/6 ").value(), (ContentRange{5, 5, 6}));
}

TEST(HttpRange, WhatIsNoRangeOfAKnownFileIsRefused) {
  for (const auto* const text : {"", "bytes", "bytes ", "bytes */100", "bytes 0-99/*", "bytes 9-5/100",
                                 "bytes 0-100/100", "bytes 0-99/100x", "bytes -1-5/100", "items 0-5/100",
                                 "bytes 0 - 5/100", "bytes 0-99999999999999999999/1", "bytes 0-5", "bytes 0-5/"})
    EXPECT_FALSE(parse_content_range(text)) << text;
}

}  // namespace loam::slots
