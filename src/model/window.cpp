#include "model/window.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/text.hpp"

namespace loam::model {

namespace {

constexpr int day = 24 * 60;
constexpr std::array<std::string_view, 7> weekdays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

// "02:30"
int minutes_of(std::string_view clock) {
  return static_cast<int>(leading_number(clock.substr(0, 2)) * 60 + leading_number(clock.substr(3, 2)));
}

}  // namespace

bool contains(const Window& window, LocalTime time) {
  std::string_view text = window.str();
  int weekday = -1;
  if (const auto blank = text.find(' '); blank != text.npos) {
    weekday = static_cast<int>(std::ranges::find(weekdays, text.substr(0, blank)) - weekdays.begin());
    text.remove_prefix(blank + 1);
  }
  const int from = minutes_of(text.substr(0, 5));
  const int until = minutes_of(text.substr(6, 5));
  const int length = until > from ? until - from : until - from + day;
  // From its beginning, today or the day before.
  for (int ago = 0; ago < 2; ++ago) {
    const int since = time.minute + ago * day - from;
    const bool that_day = weekday < 0 || (time.weekday + 7 - ago) % 7 == weekday;
    if (that_day && since >= 0 && since < length) return true;
  }
  return false;
}

}  // namespace loam::model
