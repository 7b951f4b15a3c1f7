// What becomes of each disk: kept as it is, claimed for Ceph, or wiped by consent. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "diskmgr/disk.hpp"
#include "diskmgr/ledger.hpp"
#include "model/config.hpp"
#include "plan/plan.hpp"

namespace loam::diskmgr {

// none: left alone. osd: of our cluster. waiting: claimed, Ceph has not made its OSD yet. claim, wipe: to be done.
enum class Use : std::uint8_t { none, osd, waiting, claim, wipe };
std::string_view use_name(Use use);

struct Decision {
  Use use = Use::none;
  std::string why;
  Purpose purpose = Purpose::data;
  std::string metadata;        // of a data disk: id of the device for its database
  std::uint64_t db_bytes = 0;  // of that database; of a metadata device: of each database on it
  std::int64_t parts = 0;      // of a metadata device: databases that it has room for
};

// Decides for one disk after the other, at the same cost however many there are.
class StoragePlanner {
 public:
  StoragePlanner(const model::Storage& storage, const std::string& hostname, Ledger ledger);
  Decision decide(const Disk& disk) const;
  // The claim on a disk; null if there is none. Valid until the next take().
  const Claim* claim_on(const Facts& disk) const;
  // Blank, or erased by us: then old data between its ends is nobody's.
  bool as_good_as_blank(const Disk& disk) const;
  bool has_wipe(const std::string& id) const { return std::ranges::contains(ledger_.wipes, id, &Wipe::id); }
  // True if the ledger calls it erased and it holds something.
  bool stale_erased(const Disk& disk) const;
  // From then on the disk is a claimed one.
  void take(const Disk& disk, const Decision& decision);

 private:
  struct Device {  // with databases of OSDs
    std::string id;
    std::uint64_t db_bytes = 0;
    std::int64_t parts = 0;
    std::int64_t used = 0;
  };
  void count(const Claim& claim);
  Decision of_blank(const Disk& disk) const;
  Decision of_foreign(const Disk& disk) const;
  Decision if_blank(const Disk& disk) const;
  std::string why_not_listed(const Disk& disk) const;
  Decision for_data(const Disk& disk) const;
  Decision for_metadata(const Disk& disk) const;

  model::StorageRules rules_;
  std::vector<model::DiskId> wipe_;
  Ledger ledger_;
  std::unordered_map<std::string, std::size_t> claims_;  // name -> place in the ledger
  std::map<std::string, Device> devices_;
  std::int64_t osds_ = 0;
};

struct StoragePlan {
  std::map<std::string, Decision> decisions;  // by identity
  plan::Plan plan;                            // "wipe-disk" and "claim-disk", in order
};
StoragePlan plan_storage(const model::Storage& storage, const std::string& hostname, const std::vector<Disk>& disks,
                         const Ledger& ledger);

// ---- the ledger after what happened ----

Claim claim_for(const Disk& disk, const Decision& decision);
// A wipe of what is on a disk begins; a consent of loam.yaml is used up by it.
void begin_wipe(Ledger& ledger, const std::string& id, const Content& content, const model::Storage& storage);
// Nothing was written: the consent is as good as before. A typed one is for one try.
void cancel_wipe(Ledger& ledger, const std::string& id);
void end_wipe(Ledger& ledger, const std::string& id);
// OSDs of ours that are found are claims, whoever made them; consents that loam.yaml no longer gives can be given anew;
// a disk that we erased and that holds something else since is no longer known as erased; a wipe is over when the disk
// is blank, and void when something else is on it.
Ledger updated(Ledger ledger, const std::vector<Disk>& disks, const model::Storage& storage);

}  // namespace loam::diskmgr
