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
  if (path.starts_with("/etc/systemd/network/")) return "systemd-networkd.service";
  if (path.starts_with("/etc/ssh/")) return "ssh.service";
  if (path.starts_with("/etc/systemd/timesyncd")) return "systemd-timesyncd.service";
  return path.starts_with("/etc/systemd/system.conf.d/") ? "daemon-reexec" : "";
}

}  // namespace

Plan plan_node(const std::vector<RenderedFile>& desired, const std::map<std::string, std::string>& observed) {
  Plan plan{.title = "configure this node", .actions = {}};
  std::set<std::string> units;
  for (const auto& file : desired) {
    const auto found = observed.find(file.path);
    if (found != observed.end() && found->second == file.content) continue;
    plan.actions.push_back(write_action(file, found != observed.end()));
    units.insert(file.unit);
  }
  for (const auto& [path, content] : observed) {
    if (std::ranges::find(desired, path, &RenderedFile::path) != desired.end()) continue;
    plan.actions.push_back(
        {.kind = "remove-file", .target = path, .summary = "no longer wanted", .destroys = false, .arguments = {}});
    units.insert(unit_of(path));
  }
  units.erase("");
  for (const auto& unit : units)
    plan.actions.push_back(
        {.kind = "reload", .target = unit, .summary = "to take the new files", .destroys = false, .arguments = {}});
  return plan;
}

Plan with_owed_reloads(Plan todo, const Plan& interrupted) {
  for (const auto& action : interrupted.actions) {
    const auto same = [&](const Action& other) { return other.kind == action.kind && other.target == action.target; };
    if (action.kind != "reload" || std::ranges::any_of(todo.actions, same)) continue;
    todo.actions.push_back(action);
    todo.actions.back().summary = "owed by an apply that did not end";
  }
  return todo;
}

}  // namespace loam::plan
