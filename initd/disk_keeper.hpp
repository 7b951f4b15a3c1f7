// The disks of a node and what was promised about them: claims what loam.yaml selects, erases what was consented to,
// and says what is missing or failing. One disk at a time, each by a child.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "disk_watch.hpp"
#include "diskmgr/claim.hpp"
#include "diskmgr/disk_book.hpp"
#include "diskmgr/ledger.hpp"
#include "model/config.hpp"
#include "node_state.hpp"
#include "sys/event_loop.hpp"
#include "volume_keeper.hpp"

namespace loam::node {

class DiskKeeper {
 public:
  // changed: what is said about the disks is something else now.
  DiskKeeper(sys::EventLoop& loop, std::function<void()> changed);
  // os_node: device node that this node booted from; empty: of no disk.
  Result<void> start(const std::string& os_node) { return watch_.start(os_node); }
  void take(const sys::BlockEvents& events) { watch_.take(events); }
  // From then on disks are claimed, as loam.yaml says. An error: what was promised cannot be read, so nothing is done.
  Result<void> want(const model::Storage& storage, const std::string& hostname, const std::string& ceph_fsid);
  // What failed is tried again.
  void retry();

  const diskmgr::DiskBook& book() const { return watch_.book(); }
  const diskmgr::Ledger& ledger() const { return ledger_; }
  std::vector<diskmgr::Disk> disks() const { return watch_.book().disks(); }
  std::string document() const;          // JSON of loamctl disks
  std::string storage_document() const;  // JSON: plan, and the node's part of CephCluster
  // None as long as no configuration was applied.
  std::optional<Condition> condition() const;
  std::set<std::string> claims_there() const;  // ids
  std::set<std::string> claims_gone() const;

  // By a person who typed the id. order: JSON with the id and the content that the person was shown.
  Result<void> wipe(const std::string& order);
  // A claim whose disk will not come back is dropped, and with it its part of a metadata device.
  Result<void> forget(const std::string& id);

 private:
  struct Running {
    std::string id;
    diskmgr::Consent consent = diskmgr::Consent::none;
    std::string step;
    std::string error;
    bool written = false;   // the disk is no longer what it was
    diskmgr::Content left;  // on it, at the end
    std::unique_ptr<sys::Child> child;
    sys::EventSource limit;
  };
  void disks_changed();
  void work();
  void begin(const diskmgr::DiskBook::Entry& entry);
  void take_line(std::string_view line);
  void ended(const std::string& problem);
  void finish(const std::string& problem);
  Result<void> promise(diskmgr::Ledger ledger);
  Result<void> free_databases(const std::string& osd_uuid);
  Result<std::vector<std::string>> claim_command(const diskmgr::Disk& disk, diskmgr::Consent consent) const;
  void note_failure(const Running& done, const std::string& why);
  void try_claims_again();

  sys::EventLoop* loop_;
  std::function<void()> changed_;
  DiskWatch watch_;
  VolumeKeeper volumes_;
  bool wanted_ = false;
  model::Storage storage_;
  std::string hostname_;
  std::string ceph_fsid_;
  diskmgr::Ledger ledger_;
  std::string problem_;                        // why nothing may be done
  std::map<std::string, std::string> failed_;  // by id
  std::set<std::string> typed_;                // ids of disks to be erased because a person said so, and not begun yet
  std::unique_ptr<Running> running_;
  sys::EventSource next_;
  sys::EventSource again_;
};

}  // namespace loam::node
