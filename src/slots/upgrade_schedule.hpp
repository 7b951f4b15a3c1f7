// When a node looks by itself whether there is a newer release. Pure.
#pragma once

#include <chrono>
#include <optional>

namespace loam::slots {

inline constexpr std::chrono::hours look_again{6};
// After one that failed, or an automatic upgrade that did.
inline constexpr std::chrono::minutes look_again_after_failure{30};

struct LastLook {
  std::optional<std::chrono::steady_clock::time_point> at;  // none: not since loamd started
  bool failed = false;
  bool window_open = false;  // a maintenance window was open then, and has not closed since
};

// At the beginning of a window, which is when something may be done about what is found, and every few hours.
bool look_is_due(const LastLook& last, std::chrono::steady_clock::time_point now, bool window_open);

}  // namespace loam::slots
