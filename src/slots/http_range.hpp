// Content-Range of HTTP answers. Format: RFC 9110, section 14.4.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.hpp"

namespace loam::slots {

struct ContentRange {
  std::uint64_t first = 0;  // bytes
  std::uint64_t last = 0;   // the last byte itself
  std::uint64_t total = 0;  // of the whole file
  bool operator==(const ContentRange&) const = default;
};

// "bytes 0-4095/1048576". One that does not say how large the file is is an error.
Result<ContentRange> parse_content_range(std::string_view value);

}  // namespace loam::slots
