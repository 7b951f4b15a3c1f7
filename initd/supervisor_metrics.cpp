// The supervisor and Prometheus: what it says of its node in a file that node exporter serves.
#include <chrono>
#include <format>
#include <map>
#include <string>

#include "base/file.hpp"
#include "base/text.hpp"
#include "metrics/node_metrics.hpp"
#include "model/describe.hpp"
#include "observe_slots.hpp"
#include "slots/running_release.hpp"
#include "slots/upgrade_plan.hpp"
#include "supervisor.hpp"
#include "sys/log.hpp"

namespace loam::node {

namespace {

constexpr std::string_view starts_path = "/run/loam/loamd-starts";
// What changes together is one file.
constexpr std::chrono::seconds together{1};

metrics::Disk disk_metrics(const diskmgr::DiskBook::Entry& entry) {
  const auto& facts = entry.disk.facts;
  return {.id = facts.id,
          .model = facts.model,
          .serial = facts.serial,
          .bus = std::string(model::enum_name(facts.bus)),
          .place = facts.slot,
          .cls = std::string(diskmgr::class_name(entry.disk.cls)),
          .use = std::string(diskmgr::use_name(entry.decision.use)),
          .health = std::string(diskmgr::state_name(facts.health.state)),
          .bytes = facts.bytes,
          .celsius = facts.health.celsius,
          .percent_used = facts.health.percent_used};
}

// By id: a series that stood twice would cost all the others.
std::vector<metrics::Disk> disks_metrics(const diskmgr::DiskBook& book) {
  std::map<std::string, metrics::Disk> by_id;
  for (const auto& [node, entry] : book.entries()) by_id.try_emplace(entry.disk.facts.id, disk_metrics(entry));
  std::vector<metrics::Disk> list;
  list.reserve(by_id.size());
  for (auto& [id, disk] : by_id) list.push_back(std::move(disk));
  return list;
}

std::vector<metrics::Claims> claims_metrics(const diskmgr::DiskBook& book, const diskmgr::Ledger& ledger) {
  metrics::Claims data{.purpose = "data"};
  metrics::Claims metadata{.purpose = "metadata"};
  for (const auto& claim : ledger.claims) {
    auto& counted = claim.purpose == diskmgr::Purpose::data ? data : metadata;
    ++(book.absent().contains(claim.id) ? counted.absent : counted.present);
  }
  return {data, metadata};
}

std::vector<std::string> classes() {
  std::vector<std::string> names;
  for (std::uint8_t i = 0; i <= static_cast<std::uint8_t>(diskmgr::Class::unread); ++i)
    names.emplace_back(diskmgr::class_name(static_cast<diskmgr::Class>(i)));
  return names;
}

metrics::Slot slot_metrics(const slots::SlotView& view) {
  return {.slot = std::string(1, slots::letter(view.slot)),
          .version = view.version,
          .state = view.state,
          .booted = view.running,
          .tries_left = view.entry ? view.entry->tries_left : std::nullopt};
}

}  // namespace

// Once, when loamd starts.
void Supervisor::begin_metrics() {
  const auto before = read_if_there(starts_path, 64);
  metrics_.starts = (before && *before ? leading_number(**before) : 0) + 1;
  if (auto kept = write_file_atomic(starts_path, std::format("{}\n", metrics_.starts)); !kept)
    sys::log(sys::Priority::warning, kept.error().text());
  metrics_.started =
      std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  metrics_.states.assign(state_names.begin(), state_names.end());
  metrics_.classes = classes();
  const auto release = slots::running_release();
  metrics_.version = slots::running_version();
  if (release) metrics_.kubernetes = release->kubernetes;
  metrics_.root_hash = boot_.root_hash;
}

void Supervisor::metrics_changed() {
  if (metrics_due_) return;
  auto timer = loop_->after(together, [this] {
    metrics_due_ = false;
    write_metrics();
  });
  if (!timer) return;
  metrics_timer_ = *std::move(timer);
  metrics_due_ = true;
}

// They are on the ESP, and change with upgrades only. One that runs changes them at its end.
void Supervisor::look_at_slots() {
  if (!slots_stale_ || upgrades_.running() || boot_.live || boot_.disk.disk.empty()) return;
  slots_stale_ = false;
  metrics_.slots.clear();
  const auto views = observe_slots(boot_);
  if (!views) return sys::log(sys::Priority::warning, "metrics: " + views.error().text());
  for (const auto& view : *views) metrics_.slots.push_back(slot_metrics(view));
}

void Supervisor::write_metrics() {
  look_at_slots();
  metrics_.state = state_name(status_.state);
  metrics_.conditions.clear();
  for (const auto& one : status_.conditions)
    metrics_.conditions.push_back({.type = one.type, .status = one.status, .reason = one.reason});
  metrics_.disks = disks_metrics(disks_.book());
  metrics_.claims = claims_metrics(disks_.book(), disks_.ledger());
  metrics_.progress = {.step = status_.progress.step, .done = status_.progress.done, .total = status_.progress.total};
  metrics_.network_on_trial = trial_.has_value();
  metrics_.upgrade_running = upgrades_.running();
  metrics_.restart_pending = upgrades_.pending();
  const auto written = write_file_if_changed(metrics::metrics_path, metrics::node_metrics(metrics_));
  const auto problem = written ? "" : written.error().text();
  // A disk that is full says so once.
  if (!problem.empty() && problem != metrics_problem_) sys::log(sys::Priority::warning, "metrics: " + problem);
  metrics_problem_ = problem;
}

}  // namespace loam::node
