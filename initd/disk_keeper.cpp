#include "disk_keeper.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <format>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/text.hpp"
#include "diskmgr/node_storage.hpp"
#include "observe_json.hpp"
#include "sys/log.hpp"
#include "sys/spawn.hpp"
#include "sys/subprocess.hpp"

namespace loam::node {

using diskmgr::Use;
using nlohmann::json;

namespace {

// Discarding a large flash disk may take minutes.
constexpr std::chrono::minutes claim_limit{30};
constexpr std::chrono::minutes try_again{1};
constexpr std::string_view expected_path = "/run/loam/claim-expected.json";
constexpr std::size_t ledger_limit = std::size_t{16} << 20U;

}  // namespace

DiskKeeper::DiskKeeper(sys::EventLoop& loop, std::function<void()> changed)
    : loop_(&loop),
      changed_(std::move(changed)),
      watch_(loop, [this] { disks_changed(); }),
      volumes_(loop, [this] { disks_changed(); }) {}

Result<void> DiskKeeper::want(const model::Storage& storage, const std::string& hostname,
                              const std::string& ceph_fsid) {
  storage_ = storage;
  hostname_ = hostname;
  ceph_fsid_ = ceph_fsid;
  wanted_ = true;
  problem_.clear();
  failed_.clear();
  auto text = read_if_there(diskmgr::ledger_path, ledger_limit);
  auto ledger = !text   ? Result<diskmgr::Ledger>(std::unexpected(text.error()))
                : *text ? diskmgr::parse_ledger(**text)
                        : diskmgr::Ledger{};
  if (!ledger) {
    problem_ = ledger.error().text();
    watch_.book().configure({}, hostname_, ceph_fsid_, {});
    return std::unexpected(std::move(ledger).error());
  }
  ledger_ = *std::move(ledger);
  watch_.book().configure(storage_, hostname_, ceph_fsid_, ledger_);
  // Consents that loam.yaml no longer gives can be given anew.
  LOAM_CHECK(promise(updated(ledger_, watch_.book().disks(), storage_)));
  disks_changed();
  return {};
}

void DiskKeeper::retry() {
  failed_.clear();
  volumes_.retry();
  if (auto looked = watch_.look_all(); !looked) sys::log(sys::Priority::error, "disks: " + looked.error().text());
}

// On disk before anything follows from it.
Result<void> DiskKeeper::promise(diskmgr::Ledger ledger) {
  if (ledger == ledger_) return {};
  if (auto wrote = write_file_atomic(diskmgr::ledger_path, to_json(ledger)); !wrote) {
    problem_ = wrote.error().text();
    return wrote;
  }
  ledger_ = std::move(ledger);
  watch_.book().configure(storage_, hostname_, ceph_fsid_, ledger_);
  return {};
}

void DiskKeeper::disks_changed() {
  auto& book = watch_.book();
  if (wanted_ && problem_.empty() && book.take_ledger_stale()) {
    auto kept = promise(updated(ledger_, book.disks(), storage_));
    if (!kept) sys::log(sys::Priority::error, "disks: " + kept.error().text());
    book.take_ledger_stale();  // by what was just noted
  }
  work();
  if (wanted_ && problem_.empty()) volumes_.take(book);
  changed_();
}

// The next disk that is to be claimed or erased. Metadata devices first: data disks need room on them.
void DiskKeeper::work() {
  if (!wanted_ || !problem_.empty() || running_ || !watch_.settled()) return;
  const diskmgr::DiskBook::Entry* next = nullptr;
  for (const auto& node : watch_.book().to_do()) {
    const auto& entry = watch_.book().entries().at(node);
    if (failed_.contains(entry.disk.facts.id)) continue;
    if (next == nullptr ||
        (entry.decision.purpose == diskmgr::Purpose::metadata && next->decision.purpose != diskmgr::Purpose::metadata))
      next = &entry;
  }
  if (next != nullptr) begin(*next);
}

namespace {

std::string_view consent_name(diskmgr::Consent consent) {
  constexpr std::array<std::string_view, 3> names = {"none", "given", "begun"};
  return names.at(static_cast<std::size_t>(consent));
}

}  // namespace

// What is expected goes by a file: it may be longer than a command line.
Result<std::vector<std::string>> DiskKeeper::claim_command(const diskmgr::Disk& disk, diskmgr::Consent consent) const {
  const auto begun = std::ranges::find(ledger_.wipes, disk.facts.id, &diskmgr::Wipe::id);
  const auto& expected = begun == ledger_.wipes.end() ? disk.facts.content : begun->content;
  LOAM_CHECK(write_file_atomic(expected_path, to_json(expected), 0600));
  return std::vector<std::string>{
      sys::program_beside_us("loam-claim"), disk.facts.id, "--expected",
      std::string(expected_path),           "--consent",   std::string(consent_name(consent))};
}

void DiskKeeper::begin(const diskmgr::DiskBook::Entry& entry) {
  const auto disk = entry.disk;  // a promise makes the book anew
  const auto why = entry.decision.why;
  auto running = std::make_unique<Running>();
  running->id = disk.facts.id;
  auto ledger = ledger_;
  if (entry.decision.use == Use::wipe) {
    const bool begun = std::ranges::contains(ledger.wipes, disk.facts.id, &diskmgr::Wipe::id);
    running->consent = begun && typed_.erase(disk.facts.id) == 0 ? diskmgr::Consent::begun : diskmgr::Consent::given;
    if (!begun) begin_wipe(ledger, disk.facts.id, disk.facts.content, storage_);
  }
  sys::log(sys::Priority::notice,
           std::format("{} {}: {}", running->consent == diskmgr::Consent::none ? "claiming" : "erasing",
                       describe(disk.facts), why),
           {{"LOAM_DISK", disk.facts.id}});
  // The consent is noted as used before the first write: after a power cut the wipe goes on by what is noted.
  auto noted = promise(std::move(ledger));
  auto argv = noted ? claim_command(disk, running->consent) : std::unexpected(noted.error());
  auto child = argv ? sys::Child::start(*loop_, *argv,
                                        {.line = [this](std::string_view line) { take_line(line); },
                                         .end = [this](const std::string& problem) { ended(problem); }})
                    : std::unexpected(argv.error());
  auto limit = loop_->after(claim_limit, [this] { ended(std::format("did not end within {}", claim_limit)); });
  if (!child || !limit) {
    note_failure(*running, (child ? limit.error() : child.error()).text());
    return;
  }
  running->child = *std::move(child);
  running->limit = *std::move(limit);
  running_ = std::move(running);
}

void DiskKeeper::take_line(std::string_view line) {
  const auto said = json::parse(line, nullptr, false);
  if (!said.is_object() || !running_) return;
  running_->step = said.value("step", running_->step);
  running_->written = running_->written || running_->step == "discard";
  running_->error = said.value("error", running_->error);
  if (const auto left = said.find("left"); left != said.end()) {
    auto content = diskmgr::parse_content(left->dump());
    if (content)
      running_->left = *std::move(content);
    else
      sys::log(sys::Priority::error, std::format("disk {}: {}", running_->id, content.error().text()));
  }
  changed_();
}

void DiskKeeper::ended(const std::string& problem) {
  if (!running_) return;
  running_->limit.disable();
  // Not here: this may run inside of the child's own callback.
  auto next = loop_->after(std::chrono::seconds(0), [this, problem] { finish(problem); });
  if (next) next_ = *std::move(next);
}

void DiskKeeper::finish(const std::string& problem) {
  const auto done = std::move(running_);
  if (!problem.empty()) {
    note_failure(*done, done->error.empty() ? problem : done->error);
    disks_changed();
    return;
  }
  const auto* const entry = watch_.book().named(done->id);
  auto ledger = ledger_;
  if (done->consent != diskmgr::Consent::none) {
    end_wipe(ledger, done->id);
    sys::log(sys::Priority::notice, std::format("disk {} is erased", done->id), {{"LOAM_DISK", done->id}});
    if (entry != nullptr) {
      // As it was just seen to be; udev's event, which may be late, makes it looked at again.
      auto facts = *watch_.book().find(entry->disk.facts.node);
      facts.content = done->left;
      watch_.book().put(std::move(facts));
    }
  } else if (entry != nullptr && entry->decision.use == Use::claim) {
    ledger.claims.push_back(claim_for(entry->disk, entry->decision));
    sys::log(sys::Priority::notice, std::format("disk {} is claimed", done->id), {{"LOAM_DISK", done->id}});
  }
  if (auto noted = promise(std::move(ledger)); !noted) sys::log(sys::Priority::error, "disks: " + noted.error().text());
  disks_changed();
}

// Whoever held a blank disk may let it go; what was to be erased waits for a person. Where nothing was written, nothing
// is left of the wipe.
void DiskKeeper::note_failure(const Running& done, const std::string& why) {
  sys::log(sys::Priority::error, std::format("disk {}: {}", done.id, why), {{"LOAM_DISK", done.id}});
  failed_[done.id] = why;
  if (done.consent == diskmgr::Consent::none) {
    auto timer = loop_->after(try_again, [this] { try_claims_again(); });
    if (timer) again_ = *std::move(timer);
  } else if (done.consent == diskmgr::Consent::given && !done.written) {
    auto ledger = ledger_;
    cancel_wipe(ledger, done.id);
    if (auto noted = promise(std::move(ledger)); !noted)
      sys::log(sys::Priority::error, "disks: " + noted.error().text());
  }
}

void DiskKeeper::try_claims_again() {
  std::erase_if(failed_, [&](const auto& failure) {
    const auto* const entry = watch_.book().named(failure.first);
    return entry == nullptr || entry->decision.use == Use::claim;
  });
  disks_changed();
}

std::string DiskKeeper::document() const { return disks_json(watch_.book(), ledger_, failed_); }

std::string DiskKeeper::storage_document() const {
  const auto disks = watch_.book().disks();
  const auto todo = plan_storage(storage_, hostname_, disks, ledger_);
  json value = {{"plan", format(todo.plan)},
                {"node", json::parse(node_storage(hostname_, ledger_, disks))},
                {"doing", running_ ? json{{"disk", running_->id}, {"step", running_->step}} : json()}};
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

namespace {

std::string gone_text(const diskmgr::Claim& claim) {
  return std::format("{}{} is gone{}; loamctl disks replace {} tells what to do",
                     claim.osd_id.empty() ? "" : "OSD " + claim.osd_id + " on ", claim.description,
                     claim.slot.empty() ? "" : " from " + claim.slot, claim.id);
}

std::string trouble_text(const diskmgr::DiskBook::Entry& entry) {
  const auto& facts = entry.disk.facts;
  const auto why = facts.health.state >= diskmgr::HealthState::warning ? facts.health.why : entry.disk.reason;
  return std::format("{}{}: {}{}", describe(facts), facts.slot.empty() ? "" : " in " + facts.slot,
                     entry.claimed_and_foreign ? "was to be an OSD; " : "", why);
}

bool is_bad(const diskmgr::DiskBook::Entry& entry) {
  return entry.claimed_and_foreign || entry.disk.facts.health.state != diskmgr::HealthState::warning;
}

}  // namespace

std::set<std::string> DiskKeeper::claims_gone() const { return watch_.book().absent(); }

std::set<std::string> DiskKeeper::claims_there() const {
  std::set<std::string> there;
  const auto& absent = watch_.book().absent();
  for (const auto& claim : ledger_.claims)
    if (!absent.contains(claim.id)) there.insert(claim.id);
  return there;
}

std::optional<Condition> DiskKeeper::condition() const {
  if (!wanted_) return std::nullopt;
  if (!problem_.empty()) return Condition{"Disks", "false", "LedgerUnusable", problem_};
  const auto& book = watch_.book();
  std::vector<std::string> bad;
  std::vector<std::string> warnings;
  for (const auto& id : book.absent())
    if (const auto* const claim = ledger_.find(id)) bad.push_back(gone_text(*claim));
  for (const auto& node : book.troubled()) {
    const auto& entry = book.entries().at(node);
    (is_bad(entry) ? bad : warnings).push_back(trouble_text(entry));
  }
  for (const auto& [id, why] : failed_)
    if (book.named(id) != nullptr) bad.push_back(std::format("{}: {}", id, why));
  for (const auto& [group, why] : volumes_.problems())
    bad.push_back(std::format("the OSDs in LVM group {} cannot start: {}", group, why));
  const bool good = bad.empty();
  bad.insert(bad.end(), warnings.begin(), warnings.end());
  const auto count = std::ranges::count(ledger_.claims, diskmgr::Purpose::data, &diskmgr::Claim::purpose);
  const auto summary = std::format("{} disks are Ceph's or claimed for it", count);
  return Condition{"Disks", good ? "true" : "false",
                   !good              ? "Attention"
                   : warnings.empty() ? "Good"
                                      : "Warnings",
                   bad.empty() ? summary : join(bad, "\n")};
}

Result<void> DiskKeeper::wipe(const std::string& order) {
  const auto asked = json::parse(order, nullptr, false);
  if (!asked.is_object() || !asked.contains("content")) return fail("no order to erase a disk");
  const auto id = asked.value("id", "");
  LOAM_TRY(const auto shown, diskmgr::parse_content(asked.at("content").dump()));
  if (!wanted_ || !problem_.empty())
    return fail("disks are not managed now: " + (problem_.empty() ? "no loam.yaml is applied" : problem_));
  if (running_) return fail(std::format("{} is being worked on", running_->id), "try again when it is done");
  const auto* const entry = watch_.book().named(id);
  if (entry == nullptr) return fail(std::format("no disk is {}", id), "loamctl disks shows all");
  const auto& disk = entry->disk;
  if (disk.cls != diskmgr::Class::foreign)
    return fail(std::format("{} is not erased: its class is {}: {}", id, class_name(disk.cls), disk.reason),
                "only what holds data that is neither ours nor in use can be erased");
  if (disk.facts.content != shown)
    return fail(std::format("{} holds {} now, which is not what was shown", id, to_text(disk.facts.content)),
                "loamctl disks shows what is there; type its id again");
  auto ledger = ledger_;
  begin_wipe(ledger, disk.facts.id, shown, storage_);
  failed_.erase(disk.facts.id);
  typed_.insert(disk.facts.id);
  LOAM_CHECK(promise(std::move(ledger)));
  disks_changed();
  return {};
}

// Its database is of no use without it, and its room is needed for the next.
Result<void> DiskKeeper::free_databases(const std::string& osd_uuid) {
  if (osd_uuid.empty()) return {};
  for (const auto& [node, entry] : watch_.book().entries()) {
    if (entry.disk.cls != diskmgr::Class::metadata) continue;
    for (const auto& part : entry.disk.facts.content.ceph)
      // On this device only: a disk of another machine may have a group of the same name.
      if (part.osd_uuid == osd_uuid && !part.volume.empty())
        LOAM_CHECK(sys::run({"lvremove", "--yes", "--devices", node, part.volume},
                            {.timeout = std::chrono::seconds(60), .input = {}, .environment = {}}));
  }
  return {};
}

Result<void> DiskKeeper::forget(const std::string& id) {
  const auto* const claim = ledger_.find(id);
  if (claim == nullptr) return fail(std::format("no claimed disk is {}", id), "loamctl disks shows all");
  if (!watch_.book().absent().contains(claim->id))
    return fail(std::format("{} is there: it would be taken for ours again", id), "take it out first");
  LOAM_CHECK(free_databases(claim->osd_uuid));
  auto ledger = ledger_;
  std::erase_if(ledger.claims, [&](const auto& one) { return one.id == claim->id; });
  LOAM_CHECK(promise(std::move(ledger)));
  disks_changed();
  return {};
}

}  // namespace loam::node
