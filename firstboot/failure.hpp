// What a person is told of something that failed: what, why, what to do, where the log is, and how it is tried again.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "node_client.hpp"

namespace loam::console {

struct Failure {
  std::string what;
  std::string why;  // as loamd says it, with its remedy
  std::string remedy;
  std::string log;
  std::string again;
};

// The first thing that failed and that somebody has to decide about: an installation, a loam.yaml, an upgrade.
// live: it runs from a medium.
std::optional<Failure> failure_of(const std::vector<node::Condition>& conditions, bool live);

// Each part with its name before it.
std::vector<std::string> page_of(const Failure& failure, int columns);

}  // namespace loam::console
