// All disks of a node, kept up to date one by one: a change of one costs the same however many there are. Pure.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "diskmgr/disk.hpp"

namespace loam::diskmgr {

class DiskTable {
 public:
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
  using Claims = std::map<std::string, std::map<std::string, int>, std::less<>>;  // name -> disk -> on how many paths
  struct Known {
    Facts facts;                     // as they were put
    std::string key;                 // what all paths to the disk have in common
    std::vector<std::string> names;  // that it claims
  };
  bool claim(const Known& disk, int change);
  Facts identified(const Known& disk) const;
  void merge_paths(Facts& facts, const std::string& key) const;

  std::map<std::string, Known, std::less<>> disks_;     // by node
  std::map<std::string, std::set<std::string>> paths_;  // disk -> its nodes
  Claims names_;                                        // name -> disks
  Claims links_;                                        // link of udev -> disks
  Ours ours_;
};

// Several paths to one disk, which are the same in WWN, serial, model and size, stay one. Two disks that claim the
// same name both fall along the chain, so that no id is ambiguous.
std::vector<Disk> classify(std::vector<Facts> disks, const std::string& ceph_fsid);

}  // namespace loam::diskmgr
