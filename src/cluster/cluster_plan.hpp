// What is to be done so that this node is in the cluster that loam.yaml names. Pure.
#pragma once

#include <optional>
#include <string>

#include "cluster/keepalived.hpp"
#include "cluster/kubeadm.hpp"
#include "model/config.hpp"
#include "plan/plan.hpp"

namespace loam::cluster {

// What is on the node.
struct ClusterFacts {
  std::string member_of;        // cluster that it founded or joined; empty: none
  std::string address;          // by which the others know it since then
  std::string imported;         // digest of the images that containerd has been given
  std::string network_applied;  // the same of the CNI's manifest, by the node that founded; empty on all others
};
// ClusterFacts::network_applied of a node that has founded and not applied it yet.
inline constexpr const char* network_owed = "owed";

// What a release brings: payload.json, and the digest of its images.
struct Carried {
  Payload payload;
  std::string digest;
};

// Kinds of actions, in their order: "import-images", "write-settings", "hold-address", "found", "join" or "start",
// "apply-network", "connect-pods", "await-ready". All but founding and joining are done at every start, and change
// nothing where nothing is to be changed. now: seconds since 1970.
Result<plan::Plan> plan_cluster(const model::Config& config, const ClusterFacts& facts, const Carried& carried,
                                std::int64_t now);

// etcd and certificates know a control plane by its address.
Result<void> check_address(const model::Config& config, const ClusterFacts& facts, const NodeFacts& node);

// Its virtual address as keepalived is told. none: the cluster has none, or the node holds none.
Result<std::optional<VirtualAddress>> virtual_address(const model::Config& config, const NodeFacts& node);

}  // namespace loam::cluster
