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

}  // namespace

void DiskTable::set_cluster(const std::string& ceph_fsid) {
  if (ours_.ceph_fsid == ceph_fsid) return;
  ours_ = {ceph_fsid, {}};
  for (const auto& [node, disk] : disks_) count_ours(ours_, disk.facts.content, 1);
}

bool DiskTable::only_claim(const Claims& claims, const std::string& name) {
  const auto found = claims.find(name);
  return found != claims.end() && std::ranges::count(found->second, found->second.front()) == std::ssize(found->second);
}

// True if other disks claim it too.
bool DiskTable::add(Claims& claims, const std::string& name, const Paths::value_type* disk) {
  auto& claimants = claims[name];
  claimants.push_back(disk);
  return std::ranges::count(claimants, disk) != std::ssize(claimants);
}

// True if anything still claims it.
bool DiskTable::take_back(Claims& claims, const std::string& name, const Paths::value_type* disk) {
  const auto found = claims.find(name);
  auto& claimants = found->second;
  claimants.erase(std::ranges::find(claimants, disk));
  if (!claimants.empty()) return true;
  claims.erase(found);
  return false;
}

bool DiskTable::add_claims(const Known& known) {
  bool shared = known.disk->second.size() > 1;
  for (const auto& name : known.names) shared = add(names_, name, known.disk) || shared;
  for (const auto& link : known.facts.links) shared = add(links_, link, known.disk) || shared;
  return shared;
}

bool DiskTable::take_back_claims(const Known& known) {
  bool shared = false;
  for (const auto& name : known.names) shared = take_back(names_, name, known.disk) || shared;
  for (const auto& link : known.facts.links) shared = take_back(links_, link, known.disk) || shared;
  return shared;
}

bool DiskTable::put(Facts facts) {
  const bool before = remove(facts.node);
  const auto disk = paths_.try_emplace(same_disk(facts)).first;
  disk->second.insert(facts.node);
  Known known{.facts = std::move(facts), .disk = &*disk, .names = {}};
  known.names = claimed_names(known.facts);
  const bool shared = add_claims(known);
  const bool osd = count_ours(ours_, known.facts.content, 1);
  auto node = known.facts.node;
  disks_.insert_or_assign(std::move(node), std::move(known));
  return before || shared || osd;
}

bool DiskTable::remove(const std::string& node) {
  const auto found = disks_.find(node);
  if (found == disks_.end()) return false;
  const auto& known = found->second;
  const bool osd = count_ours(ours_, known.facts.content, -1);
  const bool shared = take_back_claims(known);
  const auto paths = paths_.find(known.disk->first);
  paths->second.erase(node);
  const bool other_path = !paths->second.empty();
  disks_.erase(found);
  if (!other_path) paths_.erase(paths);
  return osd || shared || other_path;
}

const Facts* DiskTable::find(const std::string& node) const {
  const auto found = disks_.find(node);
  return found == disks_.end() ? nullptr : &found->second.facts;
}

Facts DiskTable::identified(const Known& known) const {
  auto result = known.facts;
  result.names.clear();
  result.link.clear();
  result.clash.clear();
  for (const auto& name : known.names) {
    if (only_claim(names_, name))
      result.names.push_back(name);
    else if (result.names.empty() && result.clash.empty())
      result.clash = std::format("{} is also the name of another disk", name);
  }
  result.id = result.names.empty() ? "" : result.names.front();
  const auto link = std::ranges::find_if(result.links, [&](const auto& one) { return only_claim(links_, one); });
  if (link != result.links.end()) result.link = *link;
  merge_paths(result, known.disk->second);
  return result;
}

// What one path knows is true of the disk. Paths that see different things are two disks that claim to be one.
void DiskTable::merge_paths(Facts& facts, const std::set<std::string>& nodes) const {
  facts.paths = {facts.node};
  for (const auto& node : nodes) {
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
  if (found == disks_.end() || *found->second.disk->second.begin() != node) return std::nullopt;
  return classify(identified(found->second), ours_);
}

std::optional<Disk> DiskTable::named(const std::string& name) const {
  if (!only_claim(names_, name)) return std::nullopt;
  return disk(*names_.at(name).front()->second.begin());
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
