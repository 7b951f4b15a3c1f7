// The effects of a plan of cluster_plan: containerd, kubeadm, keepalived, kubectl, run as programs. Each handler may
// run again after it was cut off anywhere.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "cluster/cluster_plan.hpp"
#include "plan/executor.hpp"

namespace loam::cluster {

class ClusterApply {
 public:
  ClusterApply(model::Config config, NodeFacts node, Carried carried, ClusterFacts facts);
  plan::Handlers handlers();

 private:
  Result<void> import_images();
  Result<void> write_settings();
  Result<void> write_encryption();
  Result<void> hold_address();
  Result<void> found();
  Result<void> note_membership();
  Result<void> ask_cluster() const;
  Result<void> join();
  Result<void> start();
  Result<void> apply_network();
  Result<void> connect_pods();
  Result<void> await_ready();
  Result<std::string> this_node() const;

  model::Config config_;
  NodeFacts node_;
  Carried carried_;
  ClusterFacts facts_;
  std::optional<Invitation> invitation_;  // of a node that is to join
};

// What `kubectl get node -o json` says: empty if the node is ready, else why not.
Result<std::string> why_not_ready(std::string_view node_json);

}  // namespace loam::cluster
