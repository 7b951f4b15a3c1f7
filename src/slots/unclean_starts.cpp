#include "slots/unclean_starts.hpp"

namespace loam::slots {

namespace {

constexpr std::int64_t starts = 3;
constexpr std::int64_t last = 2 * starts + 1;  // the first menu counts too

}  // namespace

Start count_start(std::int64_t count) {
  if (count < 0 || count > last) return {.menu = BootMenu::none, .count = 1};  // damaged: as if it were not there
  if (count == last) return {.menu = BootMenu::stays, .count = 0};
  return {.menu = count == starts ? BootMenu::timed : BootMenu::none, .count = count + 1};
}

}  // namespace loam::slots
