#include "slots/upgrade_record.hpp"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/text.hpp"
#include "plan/journal.hpp"
#include "slots/version.hpp"

namespace loam::slots {

using nlohmann::json;

namespace {

constexpr std::size_t record_limit = 64U << 10U;

std::string dump(const json& value) { return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n"; }

json read_object(const std::filesystem::path& path) {
  const auto text = read_if_there(path, record_limit);
  if (!text || !*text) return json::object();
  auto value = json::parse(**text, nullptr, false);
  return value.is_object() ? value : json::object();
}

std::string text_in(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? printable(found->get<std::string>(), 2000) : "";
}

}  // namespace

std::string to_json(const UpgradeRecord& record) {
  return dump(
      {{"from", record.from}, {"meant", record.meant}, {"failure", record.failure}, {"by_itself", record.by_itself}});
}

Result<void> mean_release(const std::filesystem::path& state, const UpgradeRecord& record) {
  std::error_code problem;
  const auto failure = state / boot_failure_path.substr(boot_failure_path.rfind('/') + 1);
  std::filesystem::remove(failure, problem);
  if (problem) return fail_errno(failure.string(), problem.value());
  return write_file_atomic(state / upgrade_record_path.substr(upgrade_record_path.rfind('/') + 1), to_json(record));
}

std::string to_json(const BootFailure& failure) { return dump({{"version", failure.version}, {"why", failure.why}}); }

std::optional<UpgradeRecord> read_upgrade_record(const std::filesystem::path& path) {
  const auto value = read_object(path);
  const auto by_itself = value.find("by_itself");
  UpgradeRecord record{.from = text_in(value, "from"),
                       .meant = text_in(value, "meant"),
                       .failure = text_in(value, "failure"),
                       .by_itself = by_itself != value.end() && *by_itself == true};
  return record.meant.empty() ? std::nullopt : std::optional(std::move(record));
}

std::optional<BootFailure> read_boot_failure(const std::filesystem::path& path) {
  const auto value = read_object(path);
  BootFailure failure{.version = text_in(value, "version"), .why = text_in(value, "why")};
  return failure.version.empty() ? std::nullopt : std::optional(std::move(failure));
}

namespace {

std::string why_it_failed(const UpgradeRecord& record, const std::optional<BootFailure>& failure) {
  if (!record.failure.empty()) return record.failure;
  if (failure && failure->version == record.meant) return failure->why;
  return "it ended without a word each time: a kernel panic, a hang or a power cut before anything could be noted";
}

UpgradeOutcome fell_back(const UpgradeRecord& record, const std::string& running,
                         const std::optional<BootFailure>& failure) {
  auto why = why_it_failed(record, failure);
  auto message = std::format("booted {}, meant {}: {}", running, record.meant, why);
  return {.state = UpgradeState::fell_back, .message = std::move(message), .failure = std::move(why)};
}

// One without its UKI, or put back while it runs, has nothing to prove.
UpgradeOutcome on_the_new_one(const UpgradeRecord& record, const BootEntry* entry,
                              const std::optional<BootFailure>& failure) {
  if (entry == nullptr || entry->retired()) return {};
  if (entry->tries_left) {
    auto message = std::format("Loam {} runs on trial; it has not proven itself yet", record.meant);
    if (failure && failure->version == record.meant) message += ": " + failure->why;
    return {.state = UpgradeState::trial, .message = std::move(message), .failure = {}};
  }
  return {.state = UpgradeState::proven,
          .message = std::format("{} from {} to {}",
                                 compare_versions(record.meant, record.from) < 0 ? "went back" : "upgraded",
                                 record.from, record.meant),
          .failure = {}};
}

}  // namespace

// A journal that cannot be read is begun anew by the next upgrade, and says nothing.
std::optional<std::string> interrupted_upgrade(const std::filesystem::path& journal,
                                               const std::string& running_root_hash) {
  const auto read = plan::interrupted_plan(journal);
  if (!read || !*read || (*read)->actions.empty()) return std::nullopt;
  const auto& plan = **read;
  const auto& arguments = plan.actions.front().arguments;
  const auto root = arguments.find("root-hash");
  return root != arguments.end() && root->second == running_root_hash ? std::nullopt : std::optional(plan.title);
}

UpgradeOutcome with_interrupted(UpgradeOutcome outcome, const std::optional<std::string>& interrupted) {
  if (!interrupted || (outcome.state != UpgradeState::none && outcome.state != UpgradeState::proven)) return outcome;
  return {
      .state = UpgradeState::interrupted,
      .message = std::format("it was interrupted: {}; loamctl upgrade start with the same release goes on from what "
                             "came, and until then there may be nothing to go back to",
                             *interrupted),
      .failure = {}};
}

UpgradeOutcome judge_upgrade(const std::optional<UpgradeRecord>& record, const std::string& running,
                             const std::vector<BootEntry>& entries, const std::optional<BootFailure>& failure) {
  if (!record) return {};
  const auto found = std::ranges::find(entries, record->meant, &BootEntry::version);
  const auto* const entry = found == entries.end() ? nullptr : &*found;
  if (running == record->meant) return on_the_new_one(*record, entry, failure);
  // Gone, or put back by a person: nothing is meant any more.
  if (entry == nullptr || entry->retired()) return {};
  const bool tried = entry->tries_done > 0;
  if (!entry->can_boot() || (tried && failure && failure->version == record->meant))
    return fell_back(*record, running, failure);
  return {.state = UpgradeState::pending,
          .message = std::format("Loam {} is installed; a reboot starts it", record->meant),
          .failure = {}};
}

}  // namespace loam::slots
