// All disks of a node, kept up to date one by one: a change of one costs the same however many there are. Pure.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "diskmgr/disk.hpp"

namespace loam::diskmgr {

class DiskTable {
 public:
  DiskTable() = default;
  // What it knows points to itself.
  DiskTable(DiskTable&&) = default;
  DiskTable& operator=(DiskTable&&) = default;
  DiskTable(const DiskTable&) = delete;
  DiskTable& operator=(const DiskTable&) = delete;
  ~DiskTable() = default;

  // ceph_fsid: of the cluster whose OSDs are ours; empty: none are.
  void set_cluster(const std::string& ceph_fsid);
  // A disk that is new or has changed, by its node. Identity, clash, link and paths are filled in by the table. True if
  // other disks may be something else now: they share a name with it, or their databases an OSD.
  bool put(Facts facts);
  bool remove(const std::string& node);
  // As it was put; null if it is not there.
  const Facts* find(const std::string& node) const;
  // Every node, that of each path too.
  std::vector<std::string> nodes() const;

  // None: it is not there, or is another path to one that is.
  std::optional<Disk> disk(const std::string& node) const;
  // The disk that has this name, if exactly one has.
  std::optional<Disk> named(const std::string& name) const;
  // All of them, by identity.
  std::vector<Disk> disks() const;

 private:
  using Paths = std::map<std::string, std::set<std::string>>;  // what all paths to a disk have in common -> its nodes
  using Claimants = std::vector<const Paths::value_type*>;     // one for each path of each disk
  using Claims = std::unordered_map<std::string, Claimants>;   // by the name that they claim
  struct Known {
    Facts facts;  // as they were put
    const Paths::value_type* disk;
    std::vector<std::string> names;  // that it claims
  };
  static bool only_claim(const Claims& claims, const std::string& name);
  static bool add(Claims& claims, const std::string& name, const Paths::value_type* disk);
  static bool take_back(Claims& claims, const std::string& name, const Paths::value_type* disk);
  bool add_claims(const Known& known);
  bool take_back_claims(const Known& known);
  Facts identified(const Known& known) const;
  void merge_paths(Facts& facts, const std::set<std::string>& nodes) const;

  std::map<std::string, Known, std::less<>> disks_;  // by node
  Paths paths_;
  Claims names_;
  Claims links_;  // of udev
  Ours ours_;
};

// Several paths to one disk, which are the same in WWN, serial, model and size, stay one. Two disks that claim the
// same name both fall along the chain, so that no id is ambiguous.
std::vector<Disk> classify(std::vector<Facts> disks, const std::string& ceph_fsid);

}  // namespace loam::diskmgr
