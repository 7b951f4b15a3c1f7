#include "serial_speed.hpp"

#include "base/text.hpp"

namespace loam::console {

bool has_default_speed(std::string_view cmdline, std::string_view line) {
  constexpr std::string_view key = "console=";
  bool by_default = true;
  for (const auto word : split(cmdline, ' ')) {
    auto value = trim(word);
    if (!value.starts_with(key)) continue;
    value.remove_prefix(key.size());
    const auto comma = value.find(',');
    if (value.substr(0, comma) == line)
      by_default = comma == value.npos || leading_number(value.substr(comma + 1)) == 0;
  }
  return by_default;
}

}  // namespace loam::console
