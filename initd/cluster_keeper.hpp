// This node's place in its cluster: loam-cluster as a child, again and again, and what became of it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "model/config.hpp"
#include "node_state.hpp"
#include "sys/event_loop.hpp"

namespace loam::node {

class ClusterKeeper {
 public:
  // changed: what is said of the cluster is something else now.
  ClusterKeeper(sys::EventLoop& loop, std::function<void()> changed) : loop_(&loop), changed_(std::move(changed)) {}

  // cluster: what loam.yaml says; none: the node stands alone. address: by which other nodes reach this one, without
  // prefix; empty: it has none yet, or its network does not work.
  void want(const std::optional<model::Cluster>& cluster, const std::string& address);
  // What failed is tried again, now.
  void retry();

  // None where no cluster is wanted.
  std::optional<Condition> condition() const;
  const Progress& progress() const { return progress_; }
  // As long as it is true the node is not what loam.yaml asks for. A release without Kubernetes cannot be.
  bool awaited() const { return cluster_ && carried_ && !member_; }

 private:
  void begin();
  void take_line(std::string_view line);
  void ended(const std::string& problem);
  void finish(const std::string& problem);
  void again_after(std::chrono::seconds delay);

  sys::EventLoop* loop_;
  std::function<void()> changed_;
  std::optional<model::Cluster> cluster_;
  bool carried_ = false;  // this release carries Kubernetes
  std::string address_;
  std::string error_;    // of the last time
  bool member_ = false;  // it went to its end since the node started
  bool stale_ = false;   // what is wanted has changed since the child began
  std::chrono::seconds delay_{0};
  Progress progress_;
  std::string said_error_;  // by the child that runs
  std::unique_ptr<sys::Child> child_;
  sys::EventSource end_timer_;
  sys::EventSource limit_;
  sys::EventSource again_timer_;
};

}  // namespace loam::node
