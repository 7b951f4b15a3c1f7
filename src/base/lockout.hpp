// How long one must wait after wrong passwords: nothing at first, then twice as long each time. Pure.
#pragma once

#include <algorithm>
#include <chrono>

namespace loam {

class Lockout {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds first{2};
  static constexpr std::chrono::seconds longest{300};

  // How long it is until somebody may try; 0: now.
  std::chrono::seconds left(Clock::time_point now) const {
    return std::max(std::chrono::seconds(0), std::chrono::ceil<std::chrono::seconds>(until_ - now));
  }
  void failed(Clock::time_point now) {
    until_ = now + delay_;
    delay_ = std::min(delay_ * 2, longest);
  }
  void succeeded() { *this = {}; }

 private:
  Clock::time_point until_;
  std::chrono::seconds delay_ = first;
};

}  // namespace loam
