#include "netcfg/trial.hpp"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "base/whole_number.hpp"
#include "netcfg/firewall.hpp"

namespace loam::netcfg {

bool changes_links(const plan::Plan& todo) {
  return std::ranges::any_of(todo.actions, [](const auto& action) {
    return action.kind == "delete-link" || action.target.starts_with("/etc/systemd/network/") ||
           action.target == "systemd-networkd.service";  // owed: its files are right already
  });
}

bool needs_trial(const plan::Plan& todo, bool same_network) {
  // The reload stands for the file too, which is right already where the reload is owed.
  const bool firewall = std::ranges::contains(todo.actions, firewall_unit, &plan::Action::target);
  return changes_links(todo) || (firewall && !same_network);
}

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
