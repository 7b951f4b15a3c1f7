// What benchmarks count: processor time, which other programs do not lengthen.
#pragma once

#include <ctime>

namespace loam::testing {

// Of this thread, since it began.
inline double cpu_seconds() {
  timespec time{};
  static_cast<void>(::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time));  // this clock is always there
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

}  // namespace loam::testing
