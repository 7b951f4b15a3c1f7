#include "slots/upgrade_schedule.hpp"

namespace loam::slots {

bool look_is_due(const LastLook& last, std::chrono::steady_clock::time_point now, bool window_open) {
  if (!last.at || (window_open && !last.window_open)) return true;
  const std::chrono::seconds wait = last.failed ? look_again_after_failure : look_again;
  return now - *last.at >= wait;
}

}  // namespace loam::slots
