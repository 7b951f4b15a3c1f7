// What a node says of itself to Prometheus. Pure.
// Names: https://prometheus.io/docs/practices/naming/
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace loam::metrics {

// The folder of node exporter's textfile collector, which takes what ends in .prom.
inline constexpr std::string_view metrics_path = "/run/loam/metrics/loam.prom";

struct Condition {
  std::string type;
  std::string status;
  std::string reason;
};

struct Slot {
  std::string slot;
  std::string version;
  std::string state;
  bool booted = false;
  std::optional<int> tries_left;
};

struct Disk {
  std::string id;
  std::string model;
  std::string serial;
  std::string bus;
  std::string place;  // slot or bay
  std::string cls;
  std::string use;
  std::string health;
  std::uint64_t bytes = 0;
  std::optional<int> celsius;
  std::optional<std::int64_t> percent_used;  // of a flash device's endurance
};

// Disks that were promised to Ceph.
struct Claims {
  std::string purpose;
  std::uint64_t present = 0;
  std::uint64_t absent = 0;
};

// Work that is counted in bytes.
struct Progress {
  std::string step;  // empty: nothing is going on
  std::uint64_t done = 0;
  std::uint64_t total = 0;  // 0: not counted
};

struct Node {
  std::vector<std::string> states;  // all that there are
  std::string state;
  std::vector<Condition> conditions;
  std::string version;
  std::string kubernetes;
  std::string root_hash;
  std::vector<Slot> slots;
  std::vector<std::string> classes;  // of disks, all that there are
  std::vector<Disk> disks;
  std::vector<Claims> claims;
  Progress progress;
  bool network_on_trial = false;
  bool upgrade_running = false;
  bool restart_pending = false;
  std::uint64_t starts = 0;  // of loamd since the node started
  std::int64_t started = 0;  // of this loamd, seconds since 1970
};

std::string node_metrics(const Node& node);

}  // namespace loam::metrics
