#include "volume_keeper.hpp"

#include <chrono>
#include <format>
#include <nlohmann/json.hpp>
#include <vector>

#include "sys/log.hpp"
#include "sys/spawn.hpp"

namespace loam::node {

namespace {

// A little more than loam-activate gives LVM.
constexpr std::chrono::seconds activation_limit{130};

}  // namespace

void VolumeKeeper::take(const diskmgr::DiskBook& book) {
  if (child_) return;
  for (const auto& [node, entry] : book.entries()) {
    if (!entry.disk.facts.used_by.empty()) continue;
    for (const auto& group : diskmgr::groups_of_ours(entry.disk)) {
      if (!tried_.insert(std::format("{} {} {}", node, entry.disk.facts.diskseq, group)).second) continue;
      start(book, group);
      return;
    }
  }
}

void VolumeKeeper::start(const diskmgr::DiskBook& book, const std::string& group) {
  std::vector<std::string> argv = {sys::program_beside_us("loam-activate"), group};
  for (const auto& [node, entry] : book.entries())
    if (diskmgr::groups_of_ours(entry.disk).contains(group)) argv.push_back(node);
  error_.clear();
  auto child = sys::Child::start(*loop_, argv,
                                 {.line =
                                      [this](std::string_view line) {
                                        const auto said = nlohmann::json::parse(line, nullptr, false);
                                        if (said.is_object()) error_ = said.value("error", error_);
                                      },
                                  .end = [this, group](const std::string& problem) { ended(group, problem); }});
  auto limit = loop_->after(activation_limit, [this, group] { ended(group, "did not end in time"); });
  if (!child || !limit) {
    sys::log(sys::Priority::error, "loam-activate: " + (child ? limit.error() : child.error()).text());
    return;
  }
  child_ = *std::move(child);
  limit_ = *std::move(limit);
}

void VolumeKeeper::ended(const std::string& group, const std::string& problem) {
  limit_.disable();
  problems_.erase(group);
  if (problem.empty()) {
    sys::log(sys::Priority::notice, std::format("LVM group {} of our OSDs is active", group));
  } else {
    problems_[group] = (error_.empty() ? problem : error_) + "; loamctl retry tries again";
    sys::log(sys::Priority::error, std::format("LVM group {}: {}", group, problems_[group]));
  }
  // Not here: this may run inside of the child's own callback.
  auto next = loop_->after(std::chrono::seconds(0), [this] {
    child_.reset();
    again_();
  });
  if (next) next_ = *std::move(next);
}

}  // namespace loam::node
