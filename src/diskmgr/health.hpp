// How a disk says it is. Pure.
// Sources of the formats: smartctl(8) --json of smartmontools 7, nvme-smart-log(1) -o json of nvme-cli 2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace loam::diskmgr {

// unknown: not asked yet, or the disk does not say.
// warning: worth watching, such as sectors that were replaced. failing: the disk itself says that it is at its end.
enum class HealthState : std::uint8_t { unknown, good, warning, failing };
std::string_view state_name(HealthState state);

struct Health {
  HealthState state = HealthState::unknown;
  std::string why;  // "SMART says that it fails; 12 sectors wait to be replaced"
  std::optional<int> celsius;
  std::optional<std::int64_t> power_on_hours;
  std::optional<std::int64_t> percent_used;  // of a flash device's endurance; may go over 100
  bool operator==(const Health&) const = default;
};

// Of `smartctl --json --health --attributes --info`. What the disk does not say stays unknown.
Result<Health> parse_smartctl(std::string_view json);

// Of `nvme smart-log -o json`.
Result<Health> parse_nvme(std::string_view json);

std::string to_json(const Health& health);
Result<Health> parse_health(std::string_view json);

}  // namespace loam::diskmgr
