#include "diskmgr/disk_book.hpp"

#include <algorithm>

namespace loam::diskmgr {

namespace {

// What a person should look at: it fails, cannot be read, or is not what it should be.
bool is_trouble(const DiskBook::Entry& entry) {
  const auto& facts = entry.disk.facts;
  const bool silent = entry.disk.cls == Class::unread && facts.unread != being_read;
  return facts.health.state >= HealthState::warning || !facts.read_error.empty() || silent || entry.claimed_and_foreign;
}

}  // namespace

void DiskBook::configure(const model::Storage& storage, const std::string& hostname, const std::string& ceph_fsid,
                         const Ledger& ledger) {
  table_.set_cluster(ceph_fsid);
  planner_ = StoragePlanner(storage, hostname, ledger);
  absent_.clear();
  for (const auto& claim : ledger.claims) absent_.insert(claim.id);
  assess_all();
}

void DiskBook::put(Facts facts) {
  const auto node = facts.node;
  table_.put(std::move(facts)) ? assess_all() : assess(node);
}

void DiskBook::remove(const std::string& node) { table_.remove(node) ? assess_all() : assess(node); }

void DiskBook::assess(const std::string& node) {
  forget(node);
  if (auto disk = table_.disk(node)) note(node, {.disk = *std::move(disk), .decision = {}});
}

void DiskBook::assess_all() {
  while (!entries_.empty()) forget(std::string(entries_.begin()->first));
  for (auto& disk : table_.disks()) {
    const auto node = disk.facts.node;
    note(node, {.disk = std::move(disk), .decision = {}});
  }
}

void DiskBook::forget(const std::string& node) {
  const auto found = entries_.find(node);
  if (found == entries_.end()) return;
  if (const auto* const claim = planner_.claim_on(found->second.disk.facts)) absent_.insert(claim->id);
  to_do_.erase(node);
  troubled_.erase(node);
  entries_.erase(found);
}

void DiskBook::note(const std::string& node, Entry entry) {
  entry.decision = planner_.decide(entry.disk);
  const auto* const claim = planner_.claim_on(entry.disk.facts);
  if (claim != nullptr) absent_.erase(claim->id);
  const bool holds_data =
      entry.disk.cls == Class::foreign || (entry.disk.cls == Class::busy && !entry.disk.facts.content.blank());
  entry.claimed_and_foreign = claim != nullptr && entry.decision.use == Use::none && holds_data;
  if (entry.decision.use == Use::claim || entry.decision.use == Use::wipe) to_do_.insert(node);
  ledger_stale_ = ledger_stale_ || entry.decision.use == Use::osd || planner_.has_wipe(entry.disk.facts.id) ||
                  planner_.stale_erased(entry.disk);
  if (is_trouble(entry)) troubled_.insert(node);
  entries_.insert_or_assign(node, std::move(entry));
}

const DiskBook::Entry* DiskBook::named(const std::string& name) const {
  const auto disk = table_.named(name);
  if (!disk) return nullptr;
  const auto found = entries_.find(disk->facts.node);
  return found == entries_.end() ? nullptr : &found->second;
}

std::vector<Disk> DiskBook::disks() const {
  std::vector<const Disk*> order;
  order.reserve(entries_.size());
  for (const auto& [node, entry] : entries_) order.push_back(&entry.disk);
  std::ranges::stable_sort(order, {}, [](const Disk* disk) -> const std::string& { return disk->facts.id; });
  std::vector<Disk> all;
  all.reserve(order.size());
  for (const auto* const disk : order) all.push_back(*disk);
  return all;
}

}  // namespace loam::diskmgr
