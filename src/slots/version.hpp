// Versions in the order in which systemd-boot sorts them.
// Source: https://uapi-group.org/specifications/specs/version_format_specification/
#pragma once

#include <compare>
#include <string_view>

namespace loam::slots {

// Digits, lower-case letters, '.', '~', '^' and '-', 64 at most, a digit first: what may be part of a file name on the
// ESP.
bool is_version(std::string_view text);

// 1.10 is newer than 1.9, 1.0~rc1 older than 1.0, 1.0^1 newer than 1.0 and older than 1.0.1.
std::strong_ordering compare_versions(std::string_view a, std::string_view b);

}  // namespace loam::slots
