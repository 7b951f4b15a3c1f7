#include "slots/gate.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.hpp"

namespace loam::slots {

using nlohmann::json;

namespace {

constexpr std::size_t file_limit = std::size_t{256} << 10U;

bool is_the_racks(const Fault& fault) {
  return (fault.type == "Network" && fault.reason == "ProbeFailed") ||
         (fault.type == "Cluster" && fault.reason == "Unreachable");
}

bool was_so_before(const NodeBefore& before, const NodeNow& now, const Fault& fault) {
  return fault.type == "Partitions" && now.loam_partition && !before.state_partition;
}

}  // namespace

std::string to_json(const NodeBefore& before) {
  return json{{"disks", before.disks}, {"state_partition", before.state_partition}}.dump(2) + "\n";
}

NodeBefore read_node_before(const std::filesystem::path& path) {
  const auto text = read_file(path, file_limit);
  if (!text) return {};
  try {
    const auto data = json::parse(*text);
    return {.disks = data.at("disks").get<std::set<std::string>>(),
            .state_partition = data.at("state_partition").get<bool>()};
  } catch (const json::exception&) {
    return {};
  }
}

Gate judge_gate(const NodeBefore& before, const NodeNow& now) {
  if (std::ranges::any_of(now.gone, [&](const auto& id) { return before.disks.contains(id); })) return Gate::waits;
  if (now.well) return Gate::passes;
  auto faults = now.faults;
  const auto old = std::erase_if(faults, [&](const auto& fault) { return was_so_before(before, now, fault); });
  if (faults.empty()) return old > 0 ? Gate::passes : Gate::waits;
  return std::ranges::all_of(faults, is_the_racks) ? Gate::rack : Gate::waits;
}

}  // namespace loam::slots
