// Runs a plan under a journal. Handlers must be idempotent: an action that was begun and not finished runs again.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>

#include "plan/journal.hpp"
#include "plan/plan.hpp"

namespace loam::plan {

using Handler = std::function<Result<void>(const Action&)>;
using Handlers = std::map<std::string, Handler, std::less<>>;

struct Observer {
  virtual ~Observer() = default;
  virtual void begin(const Action& action, std::size_t index, std::size_t count) = 0;
};

// Stops at the first action that fails; its error names the action. A kind without a handler is an error before
// anything ran.
Result<void> run(const Plan& plan, Journal& journal, const Handlers& handlers, Observer& observer);

}  // namespace loam::plan
