// The console's screen as text. Pure: facts and a width in, lines out.
#pragma once

#include <string>

#include "node_client.hpp"

namespace loam::console {

struct Facts {
  std::string hostname;
  node::NodeView view;
  std::string links;    // JSON of the Links property
  std::string problem;  // why loamd does not answer; empty if it does
};

// At most 23 lines, none wider than `columns`.
std::string render(const Facts& facts, int columns);

}  // namespace loam::console
