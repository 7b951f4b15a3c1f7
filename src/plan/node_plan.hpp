// From the files that a node should have to those that it has. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "plan/node_files.hpp"
#include "plan/plan.hpp"

namespace loam::plan {

// observed: content of files by path; a missing file is not in it. Files in `observed` that nobody wants any more are
// removed. Actions: "write-file" (arguments: content, mode), "remove-file", "delete-link" (a network interface),
// "reload" (target: a unit), in that order.
Plan plan_node(const std::vector<RenderedFile>& desired, const std::map<std::string, std::string>& observed);

// `todo` with the deletions of links and the reloads that an interrupted apply still owed: its files may be right
// already, while the links are still the old ones and its units do not know.
Plan with_owed_effects(Plan todo, const Plan& interrupted);

}  // namespace loam::plan
