#include "disk_watch.hpp"

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "diskmgr/observe.hpp"
#include "sys/log.hpp"
#include "sys/spawn.hpp"

namespace loam::node {

namespace {

constexpr std::chrono::seconds answer_limit{30};
constexpr std::string_view no_answer = "did not answer within 30 s; it may be dying: look at the kernel log";

}  // namespace

void DiskWatch::look() {
  if (looking_ || probe_) {
    again_ = true;
    return;
  }
  const auto disks = diskmgr::enumerate();
  if (!disks) {
    sys::log(sys::Priority::error, "disks: " + disks.error().text());
    return;
  }
  std::vector<std::string> argv = {sys::program_beside_us("loam-probe")};
  fresh_.clear();
  for (const auto& disk : *disks) {
    if (disk.bytes == 0) continue;
    argv.push_back(disk.node);
    fresh_[disk.node] = {.id = disk.id, .found = {}, .unread = std::string(no_answer)};
  }
  auto started = sys::Child::start(*loop_, argv,
                                   {.line = [this](std::string_view line) { take_line(line); },
                                    .end = [this](const std::string& problem) { over(problem); }});
  auto limit = loop_->after(answer_limit, [this] { over({}); });
  if (!started || !limit) {
    sys::log(sys::Priority::error, "loam-probe: " + (started ? limit.error() : started.error()).text());
    return;
  }
  probe_ = *std::move(started);
  limit_ = *std::move(limit);
  looking_ = true;
}

void DiskWatch::take_line(std::string_view line) {
  const auto answer = nlohmann::json::parse(line, nullptr, false);
  if (!answer.is_object()) return;
  const auto disk = fresh_.find(answer.value("node", ""));
  if (disk == fresh_.end()) return;
  disk->second.unread = answer.value("problem", "");
  if (disk->second.unread.empty()) {
    auto content = diskmgr::parse_content(answer.value("content", nlohmann::json()).dump());
    if (content)
      disk->second.found = *std::move(content);
    else
      disk->second.unread = content.error().text();
  }
  contents_[disk->first] = disk->second;
}

// At the end of the probe or of its time. What did not answer by then is said to be unread, until it does.
void DiskWatch::over(const std::string& problem) {
  // End and time limit can come in one turn of the loop.
  if (!std::exchange(looking_, false)) return;
  limit_.disable();
  if (!problem.empty()) {
    sys::log(sys::Priority::error, "loam-probe: " + problem);
    // The program failed, not the disks: those that it did not come to are not to be called dying.
    for (auto& [node, content] : fresh_)
      if (content.unread == no_answer) content.unread = "could not be looked at: loam-probe " + problem;
  }
  contents_ = std::exchange(fresh_, {});
  // Not here: this may run inside of the probe's own callback.
  auto next = loop_->after(std::chrono::seconds(0), [this] {
    probe_.reset();
    if (std::exchange(again_, false)) look();
  });
  if (next) next_ = *std::move(next);
}

Result<std::vector<diskmgr::Disk>> DiskWatch::list(const std::string& os_node, const std::string& ceph_fsid) const {
  LOAM_TRY(auto all, diskmgr::enumerate());
  for (auto& facts : all) {
    facts.os_disk = facts.node == os_node;
    if (const auto known = contents_.find(facts.node); known != contents_.end() && known->second.id == facts.id) {
      facts.content = known->second.found;
      facts.unread = known->second.unread;
    }
  }
  return diskmgr::classify(std::move(all), ceph_fsid);
}

}  // namespace loam::node
