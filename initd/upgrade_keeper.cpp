#include "upgrade_keeper.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <format>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/scratch.hpp"
#include "base/text.hpp"
#include "model/window.hpp"
#include "slots/esp_mend.hpp"
#include "slots/mounted_esp.hpp"
#include "slots/node_releases.hpp"
#include "slots/roll_back.hpp"
#include "slots/running_release.hpp"
#include "slots/version.hpp"
#include "sys/efi.hpp"
#include "sys/log.hpp"
#include "sys/spawn.hpp"
#include "upgrade_medium.hpp"

namespace loam::node {

using nlohmann::json;
using slots::UpgradeState;

namespace {

constexpr const char* order_path = "/run/loam/upgrade-order.json";
constexpr std::chrono::minutes first_check{2};
constexpr std::chrono::minutes window_again{1};
constexpr std::chrono::minutes watch_again{1};
constexpr std::chrono::hours longest_silence{1};  // of an engine: it says nothing while it reads the slots

Result<std::vector<slots::BootEntry>> entries_now() {
  LOAM_TRY(const auto esp, slots::MountedEsp::mounted_at());
  return esp.list("/EFI/Linux").transform(slots::boot_entries);
}

Result<std::vector<std::string>> mend() {
  LOAM_TRY(const auto esp, slots::MountedEsp::mounted_at());
  LOAM_CHECK(slots::end_blessing(esp, slots::running_version()));
  return slots::mend_esp(esp, slots::image_boot_loader);
}

// Takes what an inotify descriptor has to say. True if there was "the file system was unmounted" among it, or "the
// directory was removed".
bool watch_ended(int changes) {
  alignas(inotify_event) std::array<char, 4096> events{};
  bool ended = false;
  for (auto got = ::read(changes, events.data(), events.size()); got > 0;
       got = ::read(changes, events.data(), events.size()))
    for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
      inotify_event event{};
      std::memcpy(&event, events.data() + at, sizeof(event));
      ended = ended || (event.mask & IN_IGNORED) != 0;
      at += sizeof(event) + event.len;
    }
  return ended;
}

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

constexpr std::string_view state_name(UpgradeState state) {
  constexpr std::array<std::string_view, 6> names = {"none", "pending", "trial", "proven", "fell-back", "interrupted"};
  return names.at(static_cast<std::size_t>(state));
}

bool is_bad(UpgradeState state) { return state == UpgradeState::fell_back || state == UpgradeState::interrupted; }

}  // namespace

namespace {

// What the initrd of another release noted where it had nothing else to write to.
Result<void> take_initrd_failure() {
  LOAM_TRY(const auto note, sys::read_efi_variable(slots::boot_failure_variable, sys::loam_vendor));
  if (!note) return {};
  const auto end = note->find('\n');
  const auto version = note->substr(0, end);
  if (slots::is_version(version) && end != note->npos)
    LOAM_CHECK(write_file_atomic(
        slots::boot_failure_path,
        to_json(slots::BootFailure{.version = version, .why = "its initrd gave up: " + note->substr(end + 1)})));
  return sys::remove_efi_variable(slots::boot_failure_variable, sys::loam_vendor);
}

}  // namespace

Result<void> UpgradeKeeper::start(const slots::BootFacts& boot) {
  boot_ = boot;
  if (boot_.live || !boot_.keeps) return {};
  record_ = slots::read_upgrade_record(slots::upgrade_record_path);
  if (auto taken = take_initrd_failure(); !taken) sys::log(sys::Priority::error, "upgrade: " + taken.error().text());
  watch_esp();
  return {};
}

// An ESP that cannot be used may be back later: whether this node starts again depends on it.
void UpgradeKeeper::watch_esp() {
  esp_error_.clear();
  auto mended = mend();
  if (mended) {
    for (const auto& sentence : *mended) sys::log(sys::Priority::warning, "ESP: " + sentence);
  } else {
    esp_error_ = mended.error().text();
  }
  look_at_esp();
  if (auto watched = watch_esp_files(); !watched && esp_error_.empty()) esp_error_ = watched.error().text();
  if (esp_error_.empty()) return;
  sys::log(sys::Priority::error, "ESP: " + esp_error_);
  watch_later();
}

void UpgradeKeeper::watch_later() {
  auto timer = loop_->after(watch_again, [this] {
    watch_esp();
    callbacks_.changed();
  });
  if (timer) watch_timer_ = *std::move(timer);
}

Result<void> UpgradeKeeper::watch_esp_files() {
  esp_source_ = {};
  esp_changes_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!esp_changes_ || ::inotify_add_watch(esp_changes_.get(), "/efi/EFI/Linux",
                                           IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE) < 0)
    return fail_errno("watching /efi/EFI/Linux");
  LOAM_TRY(esp_source_, loop_->on_readable(esp_changes_.get(), [this] {
    // Of a file system that was unmounted nothing more is heard, also when it is back.
    if (watch_ended(esp_changes_.get())) watch_later();
    look_at_esp();
    callbacks_.changed();
  }));
  return {};
}

// Also the reason why the node is back is kept: the file of the release that gave up may be overwritten by the next.
void UpgradeKeeper::look_at_esp() {
  const auto entries = entries_now();
  if (!entries) {
    if (esp_error_.empty()) esp_error_ = entries.error().text();
    return watch_later();
  }
  const auto own = std::ranges::find(*entries, slots::running_version(), &slots::BootEntry::version);
  if (own != entries->end() && !own->tries_left) {
    if (auto noted = prove(); !noted) sys::log(sys::Priority::error, "upgrade: " + noted.error().text());
  }
  const auto before = outcome_.state;
  outcome_ = slots::judge_upgrade(record_, slots::running_version(), *entries,
                                  slots::read_boot_failure(slots::boot_failure_path));
  if (!upgrading())
    outcome_ = slots::with_interrupted(std::move(outcome_),
                                       slots::interrupted_upgrade(slots::upgrade_journal_path, boot_.root_hash));
  if (outcome_.state == before) return;
  if (outcome_.state != UpgradeState::none)
    sys::log(is_bad(outcome_.state) ? sys::Priority::error : sys::Priority::notice, "upgrade: " + outcome_.message,
             {{"LOAM_UPGRADE", state_name(outcome_.state)}});
  Result<void> noted;
  if (outcome_.state == UpgradeState::fell_back && record_->failure.empty()) {
    record_->failure = outcome_.failure;
    noted = write_file_atomic(slots::upgrade_record_path, to_json(*record_));
  }
  if (!noted) sys::log(sys::Priority::error, "upgrade: " + noted.error().text());
}

// What is blessed rules out what it says, for ever; also what was installed from a medium.
Result<void> UpgradeKeeper::prove() {
  const auto kept = slots::kept_releases(slots::kept_releases_path);
  const auto ours = std::ranges::find(kept, slots::running_version(), &slots::Manifest::version);
  if (ours != kept.end()) {
    LOAM_TRY(const auto state, slots::read_trust_state(slots::trust_state_path));
    const auto now = slots::raised(state, *ours);
    if (now != state) LOAM_CHECK(write_file_atomic(slots::trust_state_path, to_json(now)));
  }
  return {};
}

Result<void> UpgradeKeeper::begin(const std::string& text) {
  const auto order = json::parse(text, nullptr, false);
  if (!order.is_object()) return fail("no order to upgrade");
  Job job;
  job.reboot = order.value("reboot", false);
  return run(order.value("where", ""), order.value("force", false), std::move(job));
}

Result<void> UpgradeKeeper::run(const std::string& where, bool force, Job job) {
  if (boot_.live) return fail("this system runs from a medium; it has no slots", "install it first");
  if (child_ && !job.check_only && job_ && job_->check_only) forget_child();  // who asks need not wait for a look
  if (child_) return fail("an upgrade is under way", "loamctl upgrade status shows it, loamctl upgrade cancel ends it");
  std::vector<std::string> argv = {sys::program_beside_us("loam-upgrade"), job.check_only ? "check" : "apply"};
  LOAM_CHECK(
      write_file_atomic(order_path, dump({{"where", where}, {"force", force}, {"by_itself", job.automatic}}), 0600));
  argv.insert(argv.end(), {"--order", order_path});
  if (!job.check_only) sys::log(sys::Priority::notice, "upgrade: begins", {{"LOAM_UPGRADE", "begin"}});
  end_timer_.disable();  // of a child before this one
  if (!job.check_only && !job.automatic) error_.clear();
  progress_ = {};
  delta_.clear();
  job_ = std::move(job);
  LOAM_TRY(child_, sys::Child::start(*loop_, argv,
                                     {.line = [this](std::string_view line) { take_line(line); },
                                      .end = [this](const std::string& problem) { ended(problem); }}));
  child_pid_ = child_->pid();
  await_a_sign();
  callbacks_.changed();
  return {};
}

void UpgradeKeeper::take_line(std::string_view line) {
  const auto said = json::parse(line, nullptr, false);
  if (!said.is_object() || !job_) return;
  await_a_sign();
  if (said.contains("error")) {
    const auto remedy = said.value("remedy", "");
    job_->error = said.value("error", "") + (remedy.empty() ? "" : "; " + remedy);
  } else if (const auto result = said.find("result"); result != said.end() && result->is_object()) {
    job_->result = dump(*result);
  } else {
    if (said.value("step", "") != progress_.step) delta_.clear();
    progress_ = {.step = said.value("step", ""),
                 .summary = said.value("summary", ""),
                 .done = said.value("done", std::uint64_t{0}),
                 .total = said.value("total", std::uint64_t{0}),
                 .seconds_left = said.value("seconds_left", 0.0)};
    if (said.contains("fetched"))
      delta_ = dump({{"reused", said.value("reused", std::uint64_t{0})},
                     {"fetched", said.value("fetched", std::uint64_t{0})},
                     {"left", said.value("left", std::uint64_t{0})}});
    callbacks_.changed();
  }
}

// On a share or disk that hangs it would be waited for without an end, and with it all looks and restarts.
void UpgradeKeeper::await_a_sign() {
  auto timer = loop_->after(longest_silence, [this] {
    finish(std::format("gave no sign of life for {}, so it was ended", longest_silence));
  });
  if (timer) silence_timer_ = *std::move(timer);
}

// It failed here, or a person put it back: only a person starts it again.
bool UpgradeKeeper::was_left(const std::string& version) const {
  const auto entries = entries_now();
  if (!entries || (record_ && record_->meant == version && !record_->failure.empty())) return true;
  return std::ranges::any_of(*entries,
                             [&](const auto& entry) { return entry.version == version && !entry.can_boot(); });
}

// Not here: this runs inside of the child's own callback.
void UpgradeKeeper::ended(const std::string& problem) {
  auto timer = loop_->after(std::chrono::seconds(0), [this, problem] { finish(problem); });
  if (timer) end_timer_ = *std::move(timer);
}

void UpgradeKeeper::finish(const std::string& problem) {
  forget_child();
  const auto job = std::exchange(job_, std::nullopt).value_or(Job{});
  auto failure = problem.empty() && job.result.empty() ? "gave no result" : problem;
  if (!failure.empty()) failure = job.error.empty() ? "loam-upgrade " + failure : job.error;
  if (job.automatic) last_look_.failed = !failure.empty();
  if (job.check_only)
    checked(failure, job);
  else
    upgraded(failure, job);
  callbacks_.changed();
}

// Also of one that was killed: its files, and a medium that it had mounted.
void UpgradeKeeper::forget_child() {
  child_.reset();
  silence_timer_.disable();
  progress_ = {};
  ::unlink(order_path);  // a URL in it may have a password
  if (child_pid_ > 0) {
    forget_upgrade_medium(child_pid_);
    forget_scratch_of(child_pid_);
  }
  child_pid_ = 0;
}

void UpgradeKeeper::checked(const std::string& problem, const Job& job) {
  check_error_ = problem;
  if (!problem.empty()) return complain(sys::Priority::warning, "looking for a newer release: " + problem, job);
  const auto result = json::parse(job.result);
  const bool wanted = result.value("newer", false) && !result.value("installed", false);
  offered_ = wanted ? result.value("version", "") : "";
  if (!wanted || !job.automatic || !update_.automatic || !in_window() || was_left(offered_)) return;
  auto begun = run("", false, {.check_only = false, .automatic = true, .reboot = false, .result = {}, .error = {}});
  if (!begun) error_ = begun.error().text();
}

// What is tried each half hour by itself fails for the same reason for days.
void UpgradeKeeper::complain(sys::Priority priority, const std::string& problem, const Job& job) {
  if (job.automatic && problem == complaint_) return;
  complaint_ = problem;
  sys::log(priority, "upgrade: " + problem, {{"LOAM_UPGRADE", "failed"}});
}

void UpgradeKeeper::upgraded(const std::string& problem, const Job& job) {
  if (!problem.empty()) {
    error_ = problem;
    complain(sys::Priority::error, error_, job);
    return look_again();
  }
  complaint_.clear();
  error_.clear();
  const auto version = json::parse(job.result).value("version", "");
  if (auto noted = mean(version, job.automatic); !noted)
    sys::log(sys::Priority::error, "upgrade: " + noted.error().text());
  if (job.reboot) {
    if (auto asked = callbacks_.reboot("Loam " + version + " is installed"); !asked) error_ = asked.error().text();
  }
  if (job.automatic) reboot_in_window();
}

Result<void> UpgradeKeeper::mean(const std::string& version, bool by_itself) {
  record_ =
      slots::UpgradeRecord{.from = slots::running_version(), .meant = version, .failure = {}, .by_itself = by_itself};
  offered_.clear();
  auto noted = slots::mean_release(std::filesystem::path(slots::upgrade_record_path).parent_path(), *record_);
  look_at_esp();
  return noted;
}

// After an engine that did not come to its end: what the other slot held may be gone, what is meant another.
void UpgradeKeeper::look_again() {
  record_ = slots::read_upgrade_record(slots::upgrade_record_path);
  look_at_esp();
}

Result<void> UpgradeKeeper::cancel() {
  if (!upgrading()) return fail("no upgrade is under way");
  end_timer_.disable();
  forget_child();
  job_.reset();
  look_again();
  error_ = outcome_.state == UpgradeState::pending
               ? "it was cancelled when it was installed already; loamctl upgrade rollback takes it back"
               : "it was cancelled; what came is kept, loamctl upgrade start goes on from there";
  sys::log(sys::Priority::notice, "upgrade: cancelled", {{"LOAM_UPGRADE", "cancelled"}});
  callbacks_.changed();
  return {};
}

Result<std::string> UpgradeKeeper::roll_back() {
  if (child_) return fail("an upgrade is under way", "loamctl upgrade cancel ends it");
  LOAM_TRY(const auto esp, slots::MountedEsp::mounted_at());
  LOAM_TRY(auto rolled, slots::roll_back(esp, slots::running_version()));
  if (rolled.meant) {
    LOAM_CHECK(mean(*rolled.meant, false));
  } else {
    look_at_esp();
  }
  return std::move(rolled.said);
}

void UpgradeKeeper::want(const model::Update& update, bool in_cluster) {
  in_cluster_ = in_cluster;
  const bool same = update == update_;
  update_ = update;
  if (boot_.live) return;
  if (reboot_is_ours()) reboot_later();
  if (same) return;
  check_timer_.disable();
  last_look_ = {};
  offered_.clear();
  check_error_.clear();
  if (update_.automatic && update_.url) check_later(first_check);
}

void UpgradeKeeper::check_later(std::chrono::seconds delay) {
  auto timer = loop_->after(delay, [this] { check_now(); });
  if (timer) check_timer_ = *std::move(timer);
}

// Outside of a window it only says what there is. A release that failed here is not tried again by itself.
void UpgradeKeeper::check_now() {
  check_later(window_again);
  const bool open = in_window();
  if (!open) last_look_.window_open = false;
  const auto now = std::chrono::steady_clock::now();
  if (child_ || !is_proven() || !slots::look_is_due(last_look_, now, open)) return;
  last_look_ = {.at = now, .failed = false, .window_open = open};
  auto begun = run("", false, {.check_only = true, .automatic = true, .reboot = false, .result = {}, .error = {}});
  if (!begun) sys::log(sys::Priority::error, "upgrade: " + begun.error().text());
}

bool UpgradeKeeper::in_window() const {
  if (update_.windows.empty()) return true;
  ::tzset();  // the zone may have been changed since
  const auto now = std::time(nullptr);
  std::tm local{};
  if (::localtime_r(&now, &local) == nullptr) return false;
  return std::ranges::any_of(update_.windows, [&](const auto& window) {
    return model::contains(window, {.weekday = local.tm_wday, .minute = local.tm_hour * 60 + local.tm_min});
  });
}

bool UpgradeKeeper::is_proven() {
  const auto entries = entries_now();
  if (!entries) return false;
  const auto own = std::ranges::find(*entries, slots::running_version(), &slots::BootEntry::version);
  return own != entries->end() && !own->tries_left;
}

// Only for what nobody asked for, and as long as loam.yaml wants it so and nobody has put it back.
bool UpgradeKeeper::reboot_is_ours() const {
  return record_ && record_->by_itself && outcome_.state == UpgradeState::pending && update_.automatic && !in_cluster_;
}

void UpgradeKeeper::reboot_later() {
  auto timer = loop_->after(window_again, [this] { reboot_in_window(); });
  if (timer) reboot_timer_ = *std::move(timer);
}

// Fetching may have taken longer than the window was open: then in the next one. Once: who then chooses the older
// release in the boot menu is left with it.
void UpgradeKeeper::reboot_in_window() {
  if (!reboot_is_ours()) return;
  if (!in_window() || child_ || !callbacks_.may_reboot()) return reboot_later();
  auto done = mean(record_->meant, false);
  if (done) done = callbacks_.reboot("an automatic upgrade is installed");
  if (done) return;
  sys::log(sys::Priority::error, "upgrade: " + done.error().text());
  if (auto noted = mean(record_->meant, true); !noted) sys::log(sys::Priority::error, noted.error().text());
  reboot_later();
}

std::string UpgradeKeeper::document() const {
  json value = {{"running", slots::running_version()},
                {"state", upgrading() ? "upgrading" : std::string(state_name(outcome_.state))},
                {"meant", record_ ? record_->meant : ""},
                {"message", outcome_.message},
                {"offered", offered_},
                {"error", error_},
                {"check_error", check_error_},
                {"automatic", update_.automatic},
                {"step", progress_.step},
                {"summary", progress_.summary},
                {"done", progress_.done},
                {"total", progress_.total},
                {"seconds_left", progress_.seconds_left}};
  if (!delta_.empty()) value["delta"] = json::parse(delta_);
  return dump(value);
}

std::optional<Condition> UpgradeKeeper::condition() const {
  // One that is tried again by itself is no news before it gets further than that.
  if (upgrading() && (error_.empty() || !progress_.step.empty()))
    return Condition{"Upgrade", "unknown", "Running", progress_.summary};
  if (!esp_error_.empty())
    return Condition{"Upgrade", "false", "EspUnusable",
                     "whether this machine starts again is not known: " + esp_error_};
  if (outcome_.state == UpgradeState::fell_back) return Condition{"Upgrade", "false", "FellBack", outcome_.message};
  if (!error_.empty()) return Condition{"Upgrade", "false", "Failed", error_};
  if (outcome_.state == UpgradeState::interrupted)
    return Condition{"Upgrade", "false", "Interrupted", outcome_.message};
  if (outcome_.state == UpgradeState::none && check_error_.empty()) return std::nullopt;
  if (outcome_.state == UpgradeState::none)
    return Condition{"Upgrade", "unknown", "CheckFailed", "looking for a newer release: " + check_error_};
  return Condition{"Upgrade", "true",
                   outcome_.state == UpgradeState::pending ? "Pending"
                   : outcome_.state == UpgradeState::trial ? "OnTrial"
                                                           : "Proven",
                   outcome_.message};
}

}  // namespace loam::node
