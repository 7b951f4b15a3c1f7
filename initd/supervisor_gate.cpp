// The supervisor and a release on trial: what is noted before it starts, and what it is judged by.
#include <algorithm>
#include <array>

#include "base/file.hpp"
#include "slots/gate.hpp"
#include "supervisor.hpp"
#include "sys/log.hpp"

namespace loam::node {

// While the next release waits for its start, what this one has is kept up to date.
void Supervisor::note_before_upgrade() {
  if (!upgrades_.pending()) return;
  const slots::NodeBefore before{.disks = disks_.claims_there(), .state_partition = boot_.problems.empty()};
  if (auto noted = write_file_if_changed(slots::node_before_path, to_json(before)); !noted)
    sys::log(sys::Priority::error, "upgrade: " + noted.error().text());
}

std::vector<slots::Fault> Supervisor::faults() const {
  std::vector<slots::Fault> all;
  for (const auto& condition : status_.conditions)
    if (condition.status == "false" && std::ranges::contains(degrading, condition.type))
      all.push_back({.type = condition.type, .reason = condition.reason});
  return all;
}

slots::Gate Supervisor::gate() const {
  const auto before = upgrades_.on_trial() ? slots::read_node_before(slots::node_before_path) : slots::NodeBefore{};
  return slots::judge_gate(before, {.well = status_.state == State::ready || status_.state == State::unconfigured,
                                    .faults = status_.state == State::degraded ? faults() : std::vector<slots::Fault>{},
                                    .gone = disks_.claims_gone(),
                                    .loam_partition = boot_.keeps});
}

}  // namespace loam::node
