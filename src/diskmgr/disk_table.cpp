#include "diskmgr/disk_table.hpp"

#include <algorithm>
#include <format>

namespace loam::diskmgr {

namespace {

// What all paths to one disk have in common. Other buses have one path only, and cheap disks there share their serial.
std::string same_disk(const Facts& disk) {
  const bool many_paths = disk.bus == model::Bus::scsi || disk.bus == model::Bus::sas;
  if (!many_paths || disk.wwn.empty() || disk.serial.empty()) return disk.node;
  return std::format("{}|{}|{}|{}", disk.wwn, disk.serial, disk.model, disk.bytes);
}

// True if other disks claim it too.
template <typename Claims>
bool count(Claims& claims, const std::string& name, const std::string& disk, int change) {
  auto& disks = claims[name];
  auto& times = disks[disk];
  times += change;
  if (times == 0) disks.erase(disk);
  const bool shared = disks.size() > (change > 0 ? 1U : 0U);
  if (disks.empty()) claims.erase(name);
  return shared;
}

template <typename Claims>
bool only_claim(const Claims& claims, const std::string& name) {
  const auto found = claims.find(name);
  return found != claims.end() && found->second.size() == 1;
}

}  // namespace

void DiskTable::set_cluster(const std::string& ceph_fsid) {
  if (ours_.ceph_fsid == ceph_fsid) return;
  ours_ = {ceph_fsid, {}};
  for (const auto& [node, disk] : disks_) count_ours(ours_, disk.facts.content, 1);
}

bool DiskTable::claim(const Known& disk, int change) {
  const auto& node = disk.facts.node;
  auto& nodes = paths_[disk.key];
  change > 0 ? static_cast<void>(nodes.insert(node)) : static_cast<void>(nodes.erase(node));
  bool shared = !nodes.empty() && (change < 0 || nodes.size() > 1);
  if (nodes.empty()) paths_.erase(disk.key);
  for (const auto& name : disk.names) shared = count(names_, name, disk.key, change) || shared;
  for (const auto& link : disk.facts.links) shared = count(links_, link, disk.key, change) || shared;
  return shared;
}

bool DiskTable::put(Facts facts) {
  const bool before = remove(facts.node);
  Known disk{.facts = std::move(facts), .key = {}, .names = {}};
  disk.key = same_disk(disk.facts);
  disk.names = claimed_names(disk.facts);
  const bool shared = claim(disk, 1);
  const bool osd = count_ours(ours_, disk.facts.content, 1);
  auto node = disk.facts.node;
  disks_.insert_or_assign(std::move(node), std::move(disk));
  return before || shared || osd;
}

bool DiskTable::remove(const std::string& node) {
  const auto found = disks_.find(node);
  if (found == disks_.end()) return false;
  const bool osd = count_ours(ours_, found->second.facts.content, -1);
  const bool shared = claim(found->second, -1);
  disks_.erase(found);
  return osd || shared;
}

const Facts* DiskTable::find(const std::string& node) const {
  const auto found = disks_.find(node);
  return found == disks_.end() ? nullptr : &found->second.facts;
}

Facts DiskTable::identified(const Known& disk) const {
  auto result = disk.facts;
  result.names.clear();
  result.link.clear();
  result.clash.clear();
  for (const auto& name : disk.names) {
    if (only_claim(names_, name))
      result.names.push_back(name);
    else if (result.names.empty() && result.clash.empty())
      result.clash = std::format("{} is also the name of another disk", name);
  }
  result.id = result.names.empty() ? "" : result.names.front();
  const auto link = std::ranges::find_if(result.links, [&](const auto& one) { return only_claim(links_, one); });
  if (link != result.links.end()) result.link = *link;
  merge_paths(result, disk.key);
  return result;
}

// What one path knows is true of the disk. Paths that see different things are two disks that claim to be one.
void DiskTable::merge_paths(Facts& facts, const std::string& key) const {
  facts.paths = {facts.node};
  for (const auto& node : paths_.at(key)) {
    if (node == facts.node) continue;
    const auto& other = disks_.at(node).facts;
    facts.paths.push_back(node);
    facts.os_disk = facts.os_disk || other.os_disk;
    if (facts.used_by.empty()) facts.used_by = other.used_by;
    if (facts.unread.empty()) facts.unread = other.unread;
    if (facts.read_error.empty()) facts.read_error = other.read_error;
    if (facts.unread.empty() && facts.read_error.empty() && facts.content != other.content)
      facts.read_error = std::format("{} has the same WWN and serial number, and holds something else", node);
  }
}

std::vector<std::string> DiskTable::nodes() const {
  std::vector<std::string> all;
  all.reserve(disks_.size());
  for (const auto& [node, disk] : disks_) all.push_back(node);
  return all;
}

std::optional<Disk> DiskTable::disk(const std::string& node) const {
  const auto found = disks_.find(node);
  if (found == disks_.end() || *paths_.at(found->second.key).begin() != node) return std::nullopt;
  return classify(identified(found->second), ours_);
}

std::optional<Disk> DiskTable::named(const std::string& name) const {
  const auto claims = names_.find(name);
  if (claims == names_.end() || claims->second.size() != 1) return std::nullopt;
  return disk(*paths_.at(claims->second.begin()->first).begin());
}

std::vector<Disk> DiskTable::disks() const {
  std::vector<Disk> all;
  all.reserve(disks_.size());
  for (const auto& [node, known] : disks_)
    if (auto one = disk(node)) all.push_back(*std::move(one));
  std::ranges::sort(all, {}, [](const Disk& one) -> const std::string& { return one.facts.id; });
  return all;
}

std::vector<Disk> classify(std::vector<Facts> disks, const std::string& ceph_fsid) {
  DiskTable table;
  table.set_cluster(ceph_fsid);
  for (auto& facts : disks) table.put(std::move(facts));
  return table.disks();
}

}  // namespace loam::diskmgr
