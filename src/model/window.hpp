// Maintenance windows: "Sat 02:00-05:00", or every day without a weekday. Pure.
#pragma once

#include "model/scalar.hpp"

namespace loam::model {

struct LocalTime {
  int weekday = 0;  // 0 is Sunday
  int minute = 0;   // of the day
};

// A window may go over midnight; its weekday is that of its beginning. Both ends at one time: the whole day.
bool contains(const Window& window, LocalTime time);

}  // namespace loam::model
