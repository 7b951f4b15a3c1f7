// The network of pods: flannel carries packets between nodes, the CNI's bridge connects the pods of one. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "model/config.hpp"

namespace loam::cluster {

// What is applied to the cluster, as a List in JSON. image: flannel's, as the release carries it.
// https://github.com/flannel-io/flannel/blob/master/Documentation/configuration.md
std::string flannel_manifest(const model::Cluster& cluster, const std::string& image);

// What containerd is told of this node's pods: a bridge with the addresses that Kubernetes gave to the node.
// https://www.cni.dev/docs/spec/#configuration-format
inline constexpr std::string_view cni_path = "/etc/cni/net.d/10-loam.conflist";
std::string cni_config(std::string_view pod_range);

// spec.podCIDR of `kubectl get node -o json`; empty as long as it has none.
Result<std::string> pod_range_of(std::string_view node_json);

}  // namespace loam::cluster
