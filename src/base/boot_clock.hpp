// Time since this machine started, also while it slept: what loamd and the console count down by.
#pragma once

#include <cstdint>
#include <ctime>

namespace loam {

// Seconds of CLOCK_BOOTTIME. 0 on a kernel without it, which none of ours is.
inline std::int64_t seconds_of_boot() {
  timespec now{};
  return ::clock_gettime(CLOCK_BOOTTIME, &now) == 0 ? now.tv_sec : 0;
}

}  // namespace loam
