// All disks with what becomes of them, kept up to date one by one. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "diskmgr/disk_table.hpp"
#include "diskmgr/ledger.hpp"
#include "diskmgr/storage_plan.hpp"
#include "model/config.hpp"

namespace loam::diskmgr {

class DiskBook {
 public:
  struct Entry {
    Disk disk;
    Decision decision;
    bool claimed_and_foreign = false;  // it was to be an OSD, and is something else
  };

  // What is wanted and what was promised. Without it every disk is left alone.
  void configure(const model::Storage& storage, const std::string& hostname, const std::string& ceph_fsid,
                 const Ledger& ledger);
  void put(Facts facts);
  void remove(const std::string& node);
  // Every node, that of each path too.
  std::vector<std::string> nodes() const { return table_.nodes(); }
  bool as_good_as_blank(const Disk& disk) const { return planner_.as_good_as_blank(disk); }
  // As it was put; null if it is not there.
  const Facts* find(const std::string& node) const { return table_.find(node); }

  const std::map<std::string, Entry>& entries() const { return entries_; }  // by node
  const Entry* named(const std::string& name) const;
  std::vector<Disk> disks() const;                                     // by id
  const std::set<std::string>& to_do() const { return to_do_; }        // nodes to be claimed or wiped
  const std::set<std::string>& troubled() const { return troubled_; }  // nodes that a person should look at
  const std::set<std::string>& absent() const { return absent_; }      // ids of claims whose disk is not there
  // True, once, if something happened by which the ledger may have to be brought up to date.
  bool take_ledger_stale() { return std::exchange(ledger_stale_, false); }

 private:
  void assess(const std::string& node);
  void forget(const std::string& node);
  void note(const std::string& node, Entry entry);
  void assess_all();

  DiskTable table_;
  StoragePlanner planner_{{}, {}, {}};
  std::map<std::string, Entry> entries_;
  std::set<std::string> to_do_;
  std::set<std::string> troubled_;
  std::set<std::string> absent_;
  bool ledger_stale_ = false;
};

}  // namespace loam::diskmgr
