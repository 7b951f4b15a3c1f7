#include "plan/node_plan.hpp"

#include <algorithm>
#include <format>
#include <set>

namespace loam::plan {

namespace {

Action write_action(const RenderedFile& file, bool exists) {
  return {.kind = "write-file",
          .target = file.path,
          .summary = exists ? "changed" : "new",
          .destroys = false,
          .arguments = {{"content", file.content}, {"mode", std::format("{:o}", file.mode)}}};
}

// Which unit read a file that is no longer wanted.
std::string unit_of(std::string_view path) {
  if (path.ends_with(".link")) return std::string(nic_names);
  if (path.starts_with("/etc/systemd/network/")) return "systemd-networkd.service";
  if (path.starts_with("/etc/ssh/")) return "ssh.service";
  if (path.starts_with("/etc/systemd/timesyncd")) return "systemd-timesyncd.service";
  return path.starts_with("/etc/systemd/system.conf.d/") ? "daemon-reexec" : "";
}

// systemd-networkd leaves a bond, VLAN or bridge that is there as it is: it must go before its file is read again.
// "" for all other files.
std::string link_of(std::string_view path) {
  constexpr std::string_view ending = ".netdev";
  if (!path.ends_with(ending)) return "";
  const auto name = path.substr(path.rfind('/') + 1);
  const auto dash = name.find('-');
  return std::string(name.substr(dash + 1, name.size() - dash - 1 - ending.size()));
}

}  // namespace

Plan plan_node(const std::vector<RenderedFile>& desired, const std::map<std::string, std::string>& observed) {
  Plan plan{.title = "configure this node", .actions = {}};
  std::set<std::string> units;
  std::map<std::string, std::string> links;  // that must go, and why
  for (const auto& file : desired) {
    const auto found = observed.find(file.path);
    if (found != observed.end() && found->second == file.content) continue;
    plan.actions.push_back(write_action(file, found != observed.end()));
    units.insert(file.unit);
    if (found != observed.end()) links.emplace(link_of(file.path), "to make it anew");
  }
  for (const auto& [path, content] : observed) {
    if (std::ranges::find(desired, path, &RenderedFile::path) != desired.end()) continue;
    plan.actions.push_back(
        {.kind = "remove-file", .target = path, .summary = "no longer wanted", .destroys = false, .arguments = {}});
    units.insert(unit_of(path));
    links.emplace(link_of(path), "no longer wanted");
  }
  links.erase("");
  for (const auto& [name, why] : links)
    plan.actions.push_back({.kind = "delete-link", .target = name, .summary = why, .destroys = false, .arguments = {}});
  units.erase("");
  for (const auto& unit : units)
    plan.actions.push_back(
        {.kind = "reload", .target = unit, .summary = "to take the new files", .destroys = false, .arguments = {}});
  return plan;
}

Plan with_owed_effects(Plan todo, const Plan& interrupted) {
  const auto is_reload = [](const Action& action) { return action.kind == "reload"; };
  for (auto action : interrupted.actions) {
    const auto same = [&](const Action& other) { return other.kind == action.kind && other.target == action.target; };
    const bool owed = is_reload(action) || action.kind == "delete-link";
    if (!owed || std::ranges::any_of(todo.actions, same)) continue;
    action.summary = "owed by an apply that did not end";
    // networkd makes a link anew only if the old one is gone when it reads its files.
    const auto place = is_reload(action) ? todo.actions.end() : std::ranges::find_if(todo.actions, is_reload);
    todo.actions.insert(place, std::move(action));
  }
  return todo;
}

}  // namespace loam::plan
