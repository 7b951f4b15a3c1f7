// What a node remembers of its cluster, and what it finds of it.
#pragma once

#include <filesystem>

#include "base/error.hpp"
#include "cluster/cluster_plan.hpp"

namespace loam::cluster {

// What the image carries of Kubernetes.
inline constexpr std::string_view payload_path = "/usr/share/loam/payload.json";
inline constexpr std::string_view images_path = "/usr/share/loam/images";  // an OCI layout

struct StatePaths {
  std::filesystem::path node = "/loam/cluster.json";              // goes with the node's identity
  std::filesystem::path images = "/var/lib/loam/cluster-images";  // goes with containerd's store
};

Result<ClusterFacts> read_state(const StatePaths& paths = {});
Result<void> write_state(const ClusterFacts& facts, const StatePaths& paths = {});

// none: this release carries nothing of Kubernetes.
Result<std::optional<Carried>> read_carried(const std::filesystem::path& path = payload_path);

}  // namespace loam::cluster
