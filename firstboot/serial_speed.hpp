// How fast a serial line is. Pure.
#pragma once

#include <string_view>

namespace loam::console {

// The kernel's command line says nothing of this line's speed, as "console=ttyS1,9600n8" does. The last one counts.
bool has_default_speed(std::string_view cmdline, std::string_view line);

}  // namespace loam::console
