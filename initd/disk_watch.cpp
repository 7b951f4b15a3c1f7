#include "disk_watch.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <format>
#include <nlohmann/json.hpp>
#include <utility>

#include "diskmgr/observe.hpp"
#include "sys/log.hpp"
#include "sys/spawn.hpp"

namespace loam::node {

namespace {

constexpr std::chrono::milliseconds burst{100};
constexpr std::chrono::milliseconds gather{20};
constexpr std::chrono::seconds content_limit{30};
constexpr std::chrono::seconds health_limit{70};  // a little more than loam-probe gives the tools
// Health tells nobody when it turns bad.
constexpr std::chrono::minutes health_again{30};
constexpr std::chrono::seconds longest_delay = std::chrono::hours(1);

}  // namespace

Result<void> DiskWatch::start(const std::string& os_node) {
  os_node_ = os_node;
  return look_all();
}

void DiskWatch::take(const sys::BlockEvents& events) {
  if (events.lost) {
    if (auto looked = look_all(); !looked) sys::log(sys::Priority::error, "disks: " + looked.error().text());
    return;
  }
  for (const auto& node : events.disks)
    if (diskmgr::is_disk_name(std::filesystem::path(node).filename().string())) {
      waiting_.insert(node);
      since_.emplace(node, std::chrono::steady_clock::now());
    }
  if (!in_burst_) look_at_burst();
}

// At the first event at once, and then again and again at what came since: events that never end put nothing off.
void DiskWatch::look_at_burst() {
  in_burst_ = !waiting_.empty();
  if (!in_burst_) return;
  auto timer = loop_->after(burst, [this] { look_at_burst(); });
  in_burst_ = timer.has_value();
  if (timer) burst_ = *std::move(timer);
  Seen seen;
  for (const auto& node : std::exchange(waiting_, {})) {
    const auto device = sys::block_device(std::filesystem::path(node).filename().string());
    seen.emplace(node, device ? diskmgr::observe(*device) : std::nullopt);
  }
  look(std::move(seen));
}

Result<void> DiskWatch::look_all() {
  LOAM_TRY(auto all, diskmgr::enumerate());
  Seen seen;
  for (auto& facts : all) {
    auto node = facts.node;
    seen.emplace(std::move(node), std::move(facts));
  }
  for (const auto& node : book_.nodes()) seen.try_emplace(node);
  ask_health_.clear();
  for (const auto& [node, facts] : seen) ask_health_.insert(node);
  look(std::move(seen));
  ask_health_later();
  return {};
}

void DiskWatch::look(Seen seen) {
  std::set<std::string> there;
  std::set<std::string> fresh;
  for (auto& [node, now] : seen) {
    const bool same = update(node, std::move(now));
    const auto* const facts = book_.find(node);
    if (facts == nullptr || facts->bytes == 0) continue;
    there.insert(node);
    if (!same) fresh.insert(node);
  }
  ask_health_.insert(fresh.begin(), fresh.end());
  ask(Question::content, there);
  ask_health_now_or_later();
  notify_soon();
}

// What is on it is known again when the child has answered; until then the old answer stands for the same disk only.
// True if it is the disk that was there.
bool DiskWatch::update(const std::string& node, std::optional<diskmgr::Facts> facts) {
  if (!facts) {
    book_.remove(node);
    later_.erase(node);
    return false;
  }
  facts->os_disk = node == os_node_;
  const auto* const old = book_.find(node);
  const bool same = old != nullptr && claimed_names(*old) == claimed_names(*facts) && old->bytes == facts->bytes &&
                    old->diskseq == facts->diskseq;
  if (same) {
    facts->content = old->content;
    facts->unread = old->unread;
    facts->read_error = old->read_error;
    facts->used_by = old->used_by;
    facts->health = old->health;
  }
  book_.put(*std::move(facts));
  return same;
}

// Two looks at one disk would take each other for a program that holds it; the second waits for the first.
std::set<std::string> DiskWatch::not_being_looked_at(const std::set<std::string>& nodes) {
  std::set<std::string> result = nodes;
  for (const auto& [id, child] : children_)
    if (child.question == Question::content)
      for (const auto& node : child.nodes)
        if (result.erase(node) > 0) once_more_.insert(node);
  return result;
}

void DiskWatch::ask(Question question, const std::set<std::string>& asked) {
  const auto nodes = question == Question::content ? not_being_looked_at(asked) : asked;
  if (nodes.empty()) return;
  const int id = next_child_++;
  std::vector<std::string> argv = {sys::program_beside_us("loam-probe")};
  if (question == Question::health) argv.emplace_back("--health");
  // Whether somebody holds a disk is not tried where Ceph is about to.
  std::vector<std::string> claimed;
  for (const auto& node : nodes) {
    const auto entry = book_.entries().find(node);
    const bool waits = entry != book_.entries().end() && entry->second.decision.use == diskmgr::Use::waiting;
    (waits ? claimed : argv).push_back(node);
  }
  if (!claimed.empty()) argv.emplace_back("--claimed");
  argv.insert(argv.end(), claimed.begin(), claimed.end());
  auto child = sys::Child::start(*loop_, argv,
                                 {.line = [this, id](std::string_view line) { take_line(id, line); },
                                  .end = [this, id](const std::string& problem) { over(id, problem); }});
  auto limit = loop_->after(question == Question::content ? content_limit : health_limit, [this, id] { over(id, {}); });
  if (!child || !limit) {
    sys::log(sys::Priority::error, "loam-probe: " + (child ? limit.error() : child.error()).text());
    return;
  }
  children_[id] = {.question = question, .nodes = nodes, .child = *std::move(child), .limit = *std::move(limit)};
}

void DiskWatch::take_line(int asked, std::string_view line) {
  const auto answer = nlohmann::json::parse(line, nullptr, false);
  const auto child = children_.find(asked);
  if (!answer.is_object() || child == children_.end()) return;
  const auto node = answer.value("node", "");
  const auto* const known = book_.find(node);
  if (child->second.nodes.erase(node) == 0 || known == nullptr) return;
  auto facts = *known;
  const auto before = class_of(node);
  if (child->second.question == Question::health) {
    if (auto health = diskmgr::parse_health(answer.value("health", nlohmann::json()).dump())) facts.health = *health;
  } else {
    facts.unread.clear();
    facts.read_error = answer.value("problem", "");
    facts.used_by = answer.value("used_by", "");
    auto content = diskmgr::parse_content(answer.value("content", nlohmann::json()).dump());
    if (!content && facts.read_error.empty()) facts.read_error = content.error().text();
    facts.content = content ? *std::move(content) : diskmgr::Content{};
  }
  book_.put(std::move(facts));
  if (child->second.question == Question::content) {
    log_class(node, before);
    answered(node);
  }
  notify_soon();
}

void DiskWatch::answered(const std::string& node) {
  if (book_.entries().at(node).disk.cls == diskmgr::Class::busy) {
    later_[node].silent = false;
    ask_again(node);
  } else {
    later_.erase(node);
  }
  if (once_more_.erase(node) > 0) ask(Question::content, {node});
}

std::string DiskWatch::class_of(const std::string& node) const {
  const auto entry = book_.entries().find(node);
  if (entry == book_.entries().end()) return {};
  const auto& disk = entry->second.disk;
  return std::format("{} is {}: {}", describe(disk.facts), class_name(disk.cls), disk.reason);
}

// An event for people and programs: what a disk is taken for, and how soon that was known.
void DiskWatch::log_class(const std::string& node, const std::string& before) {
  const auto now = class_of(node);
  const auto since = since_.find(node);
  const auto waited =
      since == since_.end()
          ? std::chrono::milliseconds(0)
          : std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - since->second);
  if (since != since_.end()) since_.erase(since);
  if (now.empty() || now == before) return;
  sys::log(
      sys::Priority::info, "disk " + now,
      {{"LOAM_DISK", book_.entries().at(node).disk.facts.id}, {"LOAM_MILLISECONDS", std::to_string(waited.count())}});
}

// What is on a disk is what people wait for: the tools that ask for its health come after that, and before it is
// claimed.
void DiskWatch::ask_health_now_or_later() {
  if (std::ranges::none_of(children_, [](const auto& one) { return one.second.question == Question::content; }))
    ask(Question::health, std::exchange(ask_health_, {}));
}

// At the end of a child or of its time. What did not answer by then is unread, until it does.
void DiskWatch::over(int asked, const std::string& problem) {
  const auto child = children_.find(asked);
  if (child == children_.end()) return;
  child->second.limit.disable();
  if (!problem.empty()) sys::log(sys::Priority::error, "loam-probe: " + problem);
  no_answer(child->second, problem);
  // Not here: this may run inside of the child's own callback.
  finished_.push_back(std::move(child->second));
  children_.erase(child);
  ask_health_now_or_later();
  if (auto timer = loop_->after(std::chrono::seconds(0), [this] { finished_.clear(); })) sweep_ = *std::move(timer);
  notify_soon();
}

// Answers come one by one; those of a slow disk hold up nobody.
void DiskWatch::notify_soon() {
  if (auto timer = loop_->after(gather, changed_)) notify_ = *std::move(timer);
}

void DiskWatch::no_answer(const Asked& asked, const std::string& why) {
  for (const auto& node : asked.nodes) {
    const auto* const known = book_.find(node);
    if (known == nullptr) continue;
    auto facts = *known;
    // Where the program failed, not the disk, the disk is not to be called dying.
    const auto text = why.empty() ? std::string("did not answer in time; it may be dying: look at the kernel log")
                                  : "could not be looked at: loam-probe " + why;
    if (asked.question == Question::content) {
      // A machine that boots, or is busy, is slow at everything: a disk is called silent at the second time.
      const bool again = std::exchange(later_[node].silent, true);
      facts.unread = again || !why.empty() ? text : std::string(diskmgr::being_read);
      facts.content = {};
      once_more_.erase(node);
      ask_again(node);
    } else {
      facts.health = {
          .state = diskmgr::HealthState::unknown, .why = text, .celsius = {}, .power_on_hours = {}, .percent_used = {}};
    }
    book_.put(std::move(facts));
  }
}

// It may only have been slow, or in use for a moment. Each time later: a child that hangs on a dying disk cannot be
// ended.
void DiskWatch::ask_again(const std::string& node) {
  auto& later = later_[node];
  auto timer = loop_->after(later.delay, [this, node] { ask(Question::content, {node}); });
  if (timer) later.timer = *std::move(timer);
  later.delay = std::min(later.delay * 2, longest_delay);
}

void DiskWatch::ask_health_later() {
  auto timer = loop_->after(health_again, [this] {
    std::set<std::string> nodes;
    for (const auto& [node, entry] : book_.entries()) nodes.insert(node);
    ask(Question::health, nodes);
    ask_health_later();
  });
  if (timer) health_timer_ = *std::move(timer);
}

}  // namespace loam::node
