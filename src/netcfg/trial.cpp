#include "netcfg/trial.hpp"

#include <format>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "base/whole_number.hpp"

namespace loam::netcfg {

std::string to_json(const Trial& trial) {
  return nlohmann::json{{"boot_id", trial.boot_id}, {"deadline", trial.deadline}}.dump() + "\n";
}

Result<Trial> parse_trial(std::string_view text) {
  try {
    const auto value = nlohmann::json::parse(text);
    return Trial{value.at("boot_id").get<std::string>(), whole_number<std::int64_t>(value.at("deadline"))};
  } catch (const nlohmann::json::exception& problem) {
    return fail(std::format("{}: {}", trial_path, printable(problem.what())));
  }
}

std::optional<std::int64_t> time_left(const Trial& trial, std::string_view boot_id, std::int64_t now) {
  if (trial.boot_id != boot_id || trial.deadline <= now) return std::nullopt;
  return trial.deadline - now;
}

}  // namespace loam::netcfg
