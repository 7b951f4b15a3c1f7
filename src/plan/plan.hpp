// A plan: what will be done, in order, as a value that can be shown, compared, stored and run.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace loam::plan {

struct Action {
  std::string kind;       // which handler runs it: "fill-slot"
  std::string target;     // what it changes: a disk id, a path, a unit
  std::string summary;    // for people
  bool destroys = false;  // data that was there before is lost
  std::map<std::string, std::string> arguments;
  bool operator==(const Action&) const = default;
};

struct Plan {
  std::string title;
  std::vector<Action> actions;
  bool empty() const { return actions.empty(); }
  bool operator==(const Plan&) const = default;
};

// Text for dry runs, logs and golden tests. Destructive actions are marked with "!".
std::string format(const Plan& plan);

std::string to_json(const Plan& plan);
Result<Plan> from_json(std::string_view json);

// Same plan, same id: 16 hexadecimal digits. Not a cryptographic hash.
std::string id(const Plan& plan);

}  // namespace loam::plan
