// What loamd says about its node.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace loam::node {

inline constexpr std::string_view bus_name = "io.loam.Node1";
inline constexpr std::string_view object_path = "/io/loam/Node1";
inline constexpr std::string_view interface_name = "io.loam.Node1";

enum class State : std::uint8_t { installing, unconfigured, configuring, ready, degraded, upgrading };

inline constexpr std::array<std::string_view, 6> state_names = {"installing", "unconfigured", "configuring",
                                                                "ready",      "degraded",     "upgrading"};
constexpr std::string_view state_name(State state) { return state_names[static_cast<std::size_t>(state)]; }

// As Kubernetes has them: something that is true, false or not known yet, and why.
struct Condition {
  std::string type;     // Config, Partitions, Network, Install
  std::string status;   // "true", "false", "unknown"
  std::string reason;   // one word for programs
  std::string message;  // sentences for people
  bool operator==(const Condition&) const = default;
};

struct Progress {
  std::string step;  // empty: nothing is going on
  std::string summary;
  std::uint64_t done = 0;   // bytes
  std::uint64_t total = 0;  // bytes; 0: not counted
  double seconds_left = 0;
  bool operator==(const Progress&) const = default;
};

struct Status {
  State state = State::configuring;
  std::vector<Condition> conditions;
  Progress progress;
  std::string plan;  // text of the plan being applied, or of the last one
  // Seconds of CLOCK_BOOTTIME at which a network on trial goes back; 0: none is on trial.
  std::int64_t network_goes_back = 0;
  std::string gate;  // of a release on trial, as slots::gate_name has it
};

}  // namespace loam::node
