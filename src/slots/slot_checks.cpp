#include "slots/slot_checks.hpp"

#include <algorithm>
#include <chrono>
#include <format>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/text.hpp"

namespace loam::slots {

using nlohmann::json;

namespace {

constexpr std::size_t file_limit = 64U << 10U;
constexpr std::size_t most_kept = 4;                // two slots, and what they held before
constexpr std::int64_t latest_time = 253402300799;  // end of the year 9999

}  // namespace

std::string to_json(const SlotChecks& checks) {
  auto value = json::object();
  for (const auto& [root_hash, check] : checks) value[root_hash] = {{"when", check.when}, {"problem", check.problem}};
  return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

SlotChecks parse_slot_checks(std::string_view text) {
  SlotChecks checks;
  const auto value = json::parse(text, nullptr, false);
  if (!value.is_object()) return checks;
  for (const auto& [root_hash, one] : value.items()) {
    const auto when = one.is_object() ? one.find("when") : one.end();
    const auto problem = one.is_object() ? one.find("problem") : one.end();
    if (when == one.end() || !when->is_number_integer() || problem == one.end() || !problem->is_string()) continue;
    checks[printable(root_hash, 64)] = {.when = std::clamp<std::int64_t>(when->get<std::int64_t>(), 0, latest_time),
                                        .problem = printable(problem->get<std::string>(), 600)};
  }
  return checks;
}

SlotChecks read_slot_checks(const std::filesystem::path& path) {
  const auto text = read_if_there(path, file_limit);
  return text && *text ? parse_slot_checks(**text) : SlotChecks{};
}

Result<void> note_slot_check(const std::filesystem::path& path, const std::string& root_hash, SlotCheck check) {
  auto checks = read_slot_checks(path);
  checks[root_hash] = std::move(check);
  while (checks.size() > most_kept) {
    const auto oldest = std::ranges::min_element(checks, {}, [&](const auto& one) {
      return std::pair(one.first == root_hash, one.second.when);  // this one stays, whatever the clock says
    });
    checks.erase(oldest);
  }
  return write_file_atomic(path, to_json(checks));
}

std::string check_text(const SlotCheck* check) {
  if (check == nullptr) return "never";
  const std::chrono::sys_seconds when{std::chrono::seconds(check->when)};
  const auto at = std::format("{:%F %H:%M} UTC", when);
  return check->good() ? at : "not whole, " + at;
}

}  // namespace loam::slots
