// What this node's kubelet keeps for the system, and how it lets go of pods: by the size of the machine. Pure.
#pragma once

#include <cstdint>
#include <string>

namespace loam::cluster {

// Of one machine.
struct NodeFacts {
  std::string name;          // of the node, as in Kubernetes
  std::string address;       // by which the others reach it, without prefix
  std::uint64_t memory = 0;  // bytes
  unsigned processors = 1;
};

// What the host itself needs: loamd, journald, containerd, the kubelet. Steps as of GKE and AKS, which have measured
// it: https://cloud.google.com/kubernetes-engine/docs/concepts/plan-node-sizes
struct Reserved {
  std::uint64_t memory = 0;  // bytes
  std::uint64_t millicpus = 0;
};
Reserved reserved_for(std::uint64_t memory, unsigned processors);

// KubeletConfiguration of the whole cluster, as JSON, but for what kubeadm itself fills in.
// https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
std::string kubelet_config();

// What differs from node to node, as a merge patch for kubeadm's folder of patches.
std::string kubelet_patch(const NodeFacts& node);

}  // namespace loam::cluster
