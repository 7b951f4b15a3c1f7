// A node's part of CephCluster.spec.storage, as data: src/cluster merges what all nodes say. Pure.
// Source of the format: Rook's CephCluster CRD, spec.storage.nodes (rook.io/docs, Cluster/host-cluster).
#pragma once

#include <string>
#include <vector>

#include "diskmgr/disk.hpp"
#include "diskmgr/ledger.hpp"

namespace loam::diskmgr {

// JSON: {"name": the host, "devices": [{"name": "/dev/disk/by-id/...", "config": {"deviceClass": "hdd",
// "metadataDevice": "/dev/disk/by-id/...", "databaseSizeMB": "61440"}}]}. Devices that are not there now are left out:
// Rook keeps their OSDs.
std::string node_storage(const std::string& hostname, const Ledger& ledger, const std::vector<Disk>& disks);

}  // namespace loam::diskmgr
