#include "plan/journal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <format>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/file.hpp"
#include "base/text.hpp"
#include "base/whole_number.hpp"

namespace loam::plan {

namespace {

using nlohmann::json;

struct History {
  std::optional<Plan> plan;
  std::set<std::size_t> done;
  bool complete = false;
};

History read_history(std::string_view text) {
  History history;
  for (const auto line : split(text, '\n')) {
    const auto entry = json::parse(line, nullptr, false);
    // A power cut can leave half of the last line: that step was not recorded, so it runs again.
    if (!entry.is_object()) continue;
    if (const auto plan = entry.find("plan"); plan != entry.end() && plan->is_string()) {
      if (auto parsed = from_json(plan->get_ref<const std::string&>())) history.plan = *std::move(parsed);
    }
    if (const auto done = entry.find("done"); done != entry.end() && done->is_number_unsigned())
      history.done.insert(whole_number<std::size_t>(*done));
    if (entry.contains("complete")) history.complete = true;
  }
  return history;
}

Result<History> load_history(const std::filesystem::path& path) {
  LOAM_TRY(const auto text, read_if_there(path));
  return read_history(text.value_or(""));
}

}  // namespace

Result<Journal> Journal::open(const std::filesystem::path& path, const Plan& plan) {
  LOAM_TRY(auto history, load_history(path));
  const bool resume = history.plan == plan && !history.complete;
  if (!resume) LOAM_CHECK(write_file_atomic(path, json{{"plan", to_json(plan)}}.dump() + "\n", 0600));
  LOAM_TRY(auto fd, open_file(path, O_WRONLY | O_APPEND));
  Journal journal(std::move(fd));
  journal.resumed_ = resume;
  if (resume) {
    journal.done_ = std::move(history.done);
    // Ends a line that was cut off, so that it does not swallow the next one.
    LOAM_CHECK(journal.append("{}"));
  }
  return journal;
}

Result<void> Journal::append(std::string_view entry) {
  const auto line = std::format("\n{}\n", entry);
  const auto wrote = ::write(fd_.get(), line.data(), line.size());
  if (wrote != static_cast<ssize_t>(line.size())) return fail_errno("journal");
  return fsync_fd(fd_.get(), "journal");
}

Result<void> Journal::begin(std::size_t action) { return append(json{{"begin", action}}.dump()); }

Result<void> Journal::finish(std::size_t action) {
  LOAM_CHECK(append(json{{"done", action}}.dump()));
  done_.insert(action);
  return {};
}

Result<void> Journal::fail_action(std::size_t action, std::string_view why) {
  return append(
      json{{"failed", action}, {"why", printable(why, 1000)}}.dump(-1, ' ', false, json::error_handler_t::replace));
}

Result<void> Journal::complete() { return append(json{{"complete", true}}.dump()); }

std::optional<Plan> interrupted_in(std::string_view text) {
  auto history = read_history(text);
  return history.complete ? std::nullopt : std::move(history.plan);
}

Result<std::optional<Plan>> interrupted_plan(const std::filesystem::path& path) {
  LOAM_TRY(const auto text, read_if_there(path));
  return text ? interrupted_in(*text) : std::optional<Plan>{};
}

}  // namespace loam::plan
