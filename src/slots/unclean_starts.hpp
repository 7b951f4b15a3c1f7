// Starts of a proven release that ended early and without a shutdown: after some of them a person gets to choose.
#pragma once

#include <chrono>
#include <cstdint>

namespace loam::slots {

// timed: the node goes on by itself after menu_limit, as where a rack's power came and went. stays: it did not help,
// and nobody is served by a node that starts for ever.
enum class BootMenu : std::uint8_t { none, timed, stays };
inline constexpr std::chrono::minutes menu_limit{5};

struct Start {
  BootMenu menu = BootMenu::none;  // shown in place of this start
  std::int64_t count = 0;          // to be kept for the next
};

// count: as it was kept; 0 after a start that was good or ended in order. Three starts, the menu with its limit, three
// more, the menu that stays, and again from 0.
Start count_start(std::int64_t count);

}  // namespace loam::slots
