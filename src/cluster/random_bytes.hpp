// Bytes for keys and tokens, drawn by the kernel.
#pragma once

#include <sys/random.h>

#include <string>

#include "base/error.hpp"

namespace loam::cluster {

// count: 256 at most, which the kernel gives whole.
inline Result<std::string> random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  if (::getrandom(bytes.data(), count, 0) != static_cast<ssize_t>(count)) return fail_errno("random bytes");
  return bytes;
}

}  // namespace loam::cluster
