// Bytes that hold nothing.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>

namespace loam {

// True if all are zero, or there are none. Each byte is as the one before it: memcmp compares as many at a time as the
// processor can.
inline bool all_zero(std::span<const std::byte> data) {
  if (data.empty()) return true;
  return data.front() == std::byte{0} && std::memcmp(data.data(), data.data() + 1, data.size() - 1) == 0;
}

}  // namespace loam
