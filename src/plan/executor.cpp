#include "plan/executor.hpp"

#include <format>

namespace loam::plan {

namespace {

Result<void> run_action(const Action& action, std::size_t index, Journal& journal, const Handler& handler) {
  LOAM_CHECK(journal.begin(index));
  if (auto done = handler(action); !done) {
    auto error = std::move(done).error().context(std::format("{} {}", action.kind, action.target));
    if (auto noted = journal.fail_action(index, error.text()); !noted)
      error = std::move(error).context("(and the journal cannot note it: " + noted.error().text() + ")");
    return std::unexpected(std::move(error));
  }
  return journal.finish(index);
}

}  // namespace

Result<void> run(const Plan& plan, Journal& journal, const Handlers& handlers, Observer& observer) {
  for (const auto& action : plan.actions)
    if (!handlers.contains(action.kind))
      return fail(std::format("no handler runs \"{}\"", action.kind), "this is a bug in Loam; report it");
  for (std::size_t i = 0; i < plan.actions.size(); ++i) {
    if (journal.done(i)) continue;
    const auto& action = plan.actions[i];
    observer.begin(action, i, plan.actions.size());
    LOAM_CHECK(run_action(action, i, journal, handlers.find(action.kind)->second));
  }
  return journal.complete();
}

}  // namespace loam::plan
