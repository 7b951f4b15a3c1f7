// When a slot was last read as a whole, and what came of it. Pure, but for one small file on the loam partition.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace loam::slots {

inline constexpr std::string_view slot_checks_path = "/loam/slot-checks.json";

struct SlotCheck {
  std::int64_t when = 0;  // by the node's clock, Unix time
  std::string problem;    // empty: it was what its release says
  bool good() const { return problem.empty(); }
  bool operator==(const SlotCheck&) const = default;
};

// By the root hash of the release that was read, in hexadecimal: one release is never in both slots.
using SlotChecks = std::map<std::string, SlotCheck>;

std::string to_json(const SlotChecks& checks);
// What cannot be read is not known.
SlotChecks parse_slot_checks(std::string_view text);
SlotChecks read_slot_checks(const std::filesystem::path& path);
// Adds what was seen just now. Of the releases that were read, only the last few are kept.
Result<void> note_slot_check(const std::filesystem::path& path, const std::string& root_hash, SlotCheck check);

// "2026-11-27 09:12 UTC", "not whole, 2026-11-27 09:12 UTC" or "never", for people.
std::string check_text(const SlotCheck* check);

}  // namespace loam::slots
