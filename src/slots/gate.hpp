// What a release on trial is judged by: whether it is worse for this node than the one before it. Pure, but for reading
// and writing the small file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace loam::slots {

inline constexpr std::string_view node_before_path = "/loam/before-upgrade.json";

// What the release before had, noted while another one waits for its first start.
struct NodeBefore {
  std::set<std::string> disks;  // ids of claimed disks that were there
  bool state_partition = true;  // it could be used
  bool operator==(const NodeBefore&) const = default;
};

std::string to_json(const NodeBefore& before);
// A missing file says nothing, so that nothing is asked for; one that cannot be read is as good as none.
NodeBefore read_node_before(const std::filesystem::path& path);

enum class Gate : std::uint8_t {
  passes,
  waits,  // for this node: the usual time
  rack    // for others, who answer no question: a release is not to blame, and gets more time
};
constexpr std::string_view gate_name(Gate gate) {
  using enum Gate;
  return gate == passes ? "passes" : gate == waits ? "waits" : "rack";
}

// A thing that is not as it should be: the type of a condition and its reason.
struct Fault {
  std::string type;
  std::string reason;
};

struct NodeNow {
  bool well = false;             // ready, or without anything to do
  std::vector<Fault> faults{};   // why it is degraded; empty: it is not, or not yet
  std::set<std::string> gone{};  // ids of claimed disks that are not there
  bool loam_partition = true;    // it can be used; what `before` says was read from it
};

Gate judge_gate(const NodeBefore& before, const NodeNow& now);

}  // namespace loam::slots
