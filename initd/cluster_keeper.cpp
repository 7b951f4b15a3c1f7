#include "cluster_keeper.hpp"

#include <algorithm>
#include <filesystem>
#include <format>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "cluster/cluster_state.hpp"
#include "sys/spawn.hpp"

namespace loam::node {

namespace {

// Each of its steps has a limit of its own; this is more than their sum.
constexpr std::chrono::minutes longest{120};
// Once it is in the cluster: whether Kubernetes still calls it ready.
constexpr std::chrono::seconds look_again{60};
constexpr std::chrono::seconds first_retry{15};
constexpr std::chrono::seconds last_retry{300};

// In a unit of its own, which ends with loamd: kubeadm makes a control group to see whether it can, and asks the kernel
// for more than loamd may.
std::vector<std::string> engine_command(const std::string& address) {
  return {"systemd-run",
          "--quiet",
          "--pipe",
          "--wait",
          "--collect",
          "--description=This node's place in its cluster",
          "--property=BindsTo=loamd.service",
          std::format("--property=RuntimeMaxSec={}", std::chrono::seconds(longest).count()),
          "--property=ProtectHome=yes",
          "--property=PrivateTmp=yes",
          "--property=NoNewPrivileges=yes",
          "--property=LockPersonality=yes",
          "--property=MemoryDenyWriteExecute=yes",
          "--property=RestrictRealtime=yes",
          "--property=RestrictNamespaces=yes",
          "--property=SystemCallArchitectures=native",
          "--",
          sys::program_beside_us("loam-cluster"),
          "apply",
          "--address",
          address};
}

}  // namespace

void ClusterKeeper::want(const std::optional<model::Cluster>& cluster, const std::string& address) {
  if (cluster == cluster_ && address == address_) return;
  cluster_ = cluster;
  std::error_code none;
  carried_ = std::filesystem::exists(cluster::payload_path, none);
  address_ = address;
  stale_ = true;
  if (!child_) again_after(std::chrono::seconds(0));
  changed_();
}

void ClusterKeeper::retry() {
  delay_ = {};
  if (!child_) again_after(std::chrono::seconds(0));
}

std::optional<Condition> ClusterKeeper::condition() const {
  if (!cluster_) return std::nullopt;
  const auto say = [](std::string status, std::string reason, std::string message) {
    return Condition{"Cluster", std::move(status), std::move(reason), std::move(message)};
  };
  const auto name = cluster_->name.str();
  if (!carried_)
    return say("unknown", "NotCarried",
               std::format("this release carries no Kubernetes: the cluster {} waits for one that does", name));
  if (!error_.empty()) return say("false", "Failed", error_ + "; it is tried again, loamctl retry does it now");
  if (member_) return say("true", "Ready", std::format("Kubernetes calls this node of the cluster {} ready", name));
  if (address_.empty())
    return say(
        "unknown", "NoAddress",
        std::format("waits for an address of the interface with the role cluster; then it goes on with the cluster {}",
                    name));
  return say(
      "unknown", "Starting",
      progress_.summary.empty() ? std::format("looks for its place in the cluster {}", name) : progress_.summary);
}

void ClusterKeeper::again_after(std::chrono::seconds delay) {
  auto timer = loop_->after(delay, [this] { begin(); });
  if (timer) again_timer_ = *std::move(timer);
}

void ClusterKeeper::begin() {
  if (child_ || !cluster_ || !carried_ || address_.empty()) return;
  stale_ = false;
  said_error_.clear();
  auto child = sys::Child::start(*loop_, engine_command(address_),
                                 {.line = [this](std::string_view line) { take_line(line); },
                                  .end = [this](const std::string& problem) { ended(problem); }});
  auto limit = loop_->after(longest, [this] { finish(std::format("had not ended after {}", longest)); });
  if (!child || !limit) {
    finish((child ? limit.error() : child.error()).text());
    return;
  }
  child_ = *std::move(child);
  limit_ = *std::move(limit);
}

void ClusterKeeper::take_line(std::string_view line) {
  const auto said = nlohmann::json::parse(line, nullptr, false);
  if (!said.is_object()) return;
  if (said.contains("error")) {
    const auto remedy = said.value("remedy", "");
    said_error_ = said.value("error", "") + (remedy.empty() ? "" : "; " + remedy);
  } else if (said.contains("step") && !member_) {
    progress_ = {
        .step = said.value("step", ""), .summary = said.value("summary", ""), .done = 0, .total = 0, .seconds_left = 0};
    changed_();
  }
}

// Not here: this runs inside of the child's own callback.
void ClusterKeeper::ended(const std::string& problem) {
  auto timer = loop_->after(std::chrono::seconds(0), [this, problem] { finish(problem); });
  if (timer) end_timer_ = *std::move(timer);
}

void ClusterKeeper::finish(const std::string& problem) {
  child_.reset();
  limit_.disable();
  progress_ = {};
  error_ = problem.empty() ? "" : said_error_.empty() ? "loam-cluster " + problem : said_error_;
  member_ = error_.empty();
  delay_ = member_ ? std::chrono::seconds(0) : std::clamp(delay_ * 2, first_retry, last_retry);
  again_after(stale_ ? std::chrono::seconds(0) : member_ ? look_again : delay_);
  changed_();
}

}  // namespace loam::node
