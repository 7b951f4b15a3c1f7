#include "diskmgr/storage_plan.hpp"

#include <algorithm>
#include <array>
#include <format>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "model/storage_rules.hpp"

namespace loam::diskmgr {

namespace {

constexpr std::uint64_t mebibyte = 1U << 20U;
// LVM keeps its own data on a shared device, and gives space in extents of this size.
constexpr std::uint64_t lvm_extent = 4 * mebibyte;
constexpr std::uint64_t lvm_overhead = 16 * mebibyte;

bool any_matches(const std::vector<model::DiskSelector>& selectors, const Facts& disk) {
  return std::ranges::any_of(selectors, [&](const auto& selector) { return matches(selector, disk); });
}

Decision left_alone(std::string why) { return {.use = Use::none, .why = std::move(why), .metadata = {}}; }

}  // namespace

std::string_view use_name(Use use) {
  constexpr std::array<std::string_view, 5> names = {"none", "osd", "waiting", "claim", "wipe"};
  return names.at(static_cast<std::size_t>(use));
}

StoragePlanner::StoragePlanner(const model::Storage& storage, const std::string& hostname, Ledger ledger)
    : rules_(model::rules_for(storage, hostname)), wipe_(storage.wipe), ledger_(std::move(ledger)) {
  for (std::size_t i = 0; i < ledger_.claims.size(); ++i) {
    for (const auto& name : ledger_.claims[i].names) claims_.emplace(name, i);
    count(ledger_.claims[i]);
  }
}

void StoragePlanner::count(const Claim& claim) {
  if (claim.purpose == Purpose::metadata) {
    auto& device = devices_[claim.id];
    device.id = claim.id;
    device.db_bytes = claim.db_bytes;
    device.parts = claim.parts;
    return;
  }
  ++osds_;
  if (!claim.metadata.empty()) ++devices_[claim.metadata].used;
}

void StoragePlanner::take(const Disk& disk, const Decision& decision) {
  const auto claim = claim_for(disk, decision);
  for (const auto& name : claim.names) claims_.emplace(name, ledger_.claims.size());
  ledger_.claims.push_back(claim);
  count(claim);
}

const Claim* StoragePlanner::claim_on(const Facts& disk) const {
  for (const auto& name : disk.names)
    if (const auto found = claims_.find(name); found != claims_.end()) return &ledger_.claims[found->second];
  return nullptr;
}

namespace {

bool is_erased(const Ledger& ledger, const Facts& disk) {
  return std::ranges::any_of(disk.names, [&](const auto& name) { return std::ranges::contains(ledger.erased, name); });
}

bool known_content(const Disk& disk) { return disk.facts.unread.empty() && disk.facts.read_error.empty(); }

}  // namespace

bool StoragePlanner::as_good_as_blank(const Disk& disk) const {
  return disk.cls == Class::blank ||
         (disk.cls == Class::foreign && disk.facts.content.only_between_ends() && is_erased(ledger_, disk.facts));
}

bool StoragePlanner::stale_erased(const Disk& disk) const {
  const auto& content = disk.facts.content;
  return known_content(disk) && !content.blank() && !content.only_between_ends() && is_erased(ledger_, disk.facts);
}

Decision StoragePlanner::decide(const Disk& disk) const {
  if (disk.cls == Class::osd) return {.use = Use::osd, .why = disk.reason, .metadata = {}};
  if (disk.cls == Class::metadata)
    return {.use = Use::osd, .why = disk.reason, .purpose = Purpose::metadata, .metadata = {}};
  if (as_good_as_blank(disk)) return of_blank(disk);
  if (disk.cls == Class::foreign) return of_foreign(disk);
  return left_alone(disk.reason);
}

Decision StoragePlanner::of_blank(const Disk& disk) const {
  const auto* const claim = claim_on(disk.facts);
  if (claim == nullptr) return if_blank(disk);
  return {.use = Use::waiting,
          .why = claim->purpose == Purpose::data ? "claimed; Ceph has not made its OSD yet"
                                                 : "claimed for databases; no OSD uses it yet",
          .purpose = claim->purpose,
          .metadata = claim->metadata,
          .db_bytes = claim->db_bytes,
          .parts = claim->parts};
}

Decision StoragePlanner::if_blank(const Disk& disk) const {
  if (any_matches(rules_.exclude, disk.facts)) return left_alone("storage.exclude names it");
  if (auto why = unfit(disk.facts); !why.empty()) return left_alone(std::move(why));
  if (rules_.metadata && any_matches(rules_.metadata->select, disk.facts)) return for_metadata(disk);
  if (any_matches(rules_.data, disk.facts)) return for_data(disk);
  return left_alone(rules_.data.empty() ? "storage.data in loam.yaml selects no disks"
                                        : "storage.data does not select it");
}

Decision StoragePlanner::for_metadata(const Disk& disk) const {
  const auto& wanted = *rules_.metadata;
  const auto usable = disk.facts.bytes - std::min(disk.facts.bytes, lvm_overhead);
  Decision decision{.use = Use::claim, .why = "", .purpose = Purpose::metadata, .metadata = {}};
  // How many are wanted, and how many have room.
  if (wanted.size_per_osd && wanted.size_per_osd->bytes > 0) {
    decision.db_bytes = (wanted.size_per_osd->bytes + lvm_extent - 1) / lvm_extent * lvm_extent;
    decision.parts = static_cast<std::int64_t>(usable / decision.db_bytes);
    if (wanted.osds_per_device) decision.parts = std::min(decision.parts, *wanted.osds_per_device);
  } else if (wanted.osds_per_device) {
    decision.parts = *wanted.osds_per_device;
    decision.db_bytes = usable / static_cast<std::uint64_t>(decision.parts) / lvm_extent * lvm_extent;
  }
  if (decision.parts == 0 || decision.db_bytes == 0)
    return left_alone(std::format("too small for a database of {}", format_bytes(decision.db_bytes)));
  decision.why = std::format("will hold {} databases of {}", decision.parts, format_bytes(decision.db_bytes));
  return decision;
}

Decision StoragePlanner::for_data(const Disk& disk) const {
  if (rules_.max_osds && osds_ >= *rules_.max_osds)
    return left_alone(std::format("this node has {} OSDs, storage.max_osds allows {}", osds_, *rules_.max_osds));
  Decision decision{.use = Use::claim, .why = "blank; will become an OSD", .metadata = {}};
  if (!rules_.metadata || !disk.facts.rotational) return decision;
  // Claimed without one, it would stay without one for ever.
  const Device* best = nullptr;
  for (const auto& [id, device] : devices_)
    if (device.used < device.parts && (best == nullptr || device.used < best->used)) best = &device;
  if (best == nullptr) return left_alone("waits for a metadata device: none has room for its database");
  decision.metadata = best->id;
  decision.db_bytes = best->db_bytes;
  decision.why += std::format(", its database on {}", best->id);
  return decision;
}

// Why the list in loam.yaml does not let a disk be erased; empty: it does. After a node was installed anew its list
// counts again, so what may be an OSD of ours wants a person.
std::string StoragePlanner::why_not_listed(const Disk& disk) const {
  const auto& id = disk.facts.id;
  const auto& content = disk.facts.content;
  if (!std::ranges::contains(wipe_, id, [](const auto& one) { return one.str(); }))
    return std::format("loamctl disks wipe {} would erase it", id);
  if (std::ranges::contains(ledger_.used_consents, id))
    return "the consent in storage.wipe was used up: it was wiped before";
  if (!content.ceph.empty() || std::ranges::contains(content.signatures, kind::damaged_osd, &Signature::kind))
    return "storage.wipe names it, but what may be an OSD is erased by loamctl disks wipe only";
  if (const auto after = if_blank(disk); after.use != Use::claim && claim_on(disk.facts) == nullptr)
    return "storage.wipe names it, but it would be of no use: " + after.why;
  return {};
}

Decision StoragePlanner::of_foreign(const Disk& disk) const {
  const auto begun = std::ranges::find(ledger_.wipes, disk.facts.id, &Wipe::id);
  const bool goes_on = begun != ledger_.wipes.end() && remains(begun->content, disk.facts.content);
  if (goes_on && !any_matches(rules_.exclude, disk.facts))
    return {.use = Use::wipe, .why = "erased by consent", .metadata = {}};
  if (const auto why = why_not_listed(disk); !why.empty()) return left_alone(disk.reason + "; " + why);
  return {.use = Use::wipe, .why = "storage.wipe names it; " + disk.reason, .metadata = {}};
}

namespace {

// Metadata devices first: data disks need room on them.
std::vector<const Disk*> in_order(const model::StorageRules& rules, const std::vector<Disk>& disks) {
  std::vector<const Disk*> order;
  order.reserve(disks.size());
  for (const auto& disk : disks) order.push_back(&disk);
  std::ranges::stable_partition(
      order, [&](const Disk* disk) { return rules.metadata && any_matches(rules.metadata->select, disk->facts); });
  return order;
}

plan::Action action_for(const Disk& disk, const Decision& decision) {
  const bool wipe = decision.use == Use::wipe;
  return {.kind = wipe ? "wipe-disk" : "claim-disk",
          .target = disk.facts.id,
          .summary = describe(disk.facts) + ": " + decision.why,
          .destroys = wipe,
          .arguments = {}};
}

}  // namespace

StoragePlan plan_storage(const model::Storage& storage, const std::string& hostname, const std::vector<Disk>& disks,
                         const Ledger& ledger) {
  StoragePlan result{.decisions = {}, .plan = {.title = "disks of " + hostname, .actions = {}}};
  StoragePlanner planner(storage, hostname, ledger);
  for (const auto* const disk : in_order(model::rules_for(storage, hostname), disks)) {
    auto decision = planner.decide(*disk);
    if (decision.use == Use::claim) planner.take(*disk, decision);
    if (decision.use == Use::claim || decision.use == Use::wipe)
      result.plan.actions.push_back(action_for(*disk, decision));
    result.decisions.emplace(disk->facts.id, std::move(decision));
  }
  return result;
}

Claim claim_for(const Disk& disk, const Decision& decision) {
  return {.id = disk.facts.id,
          .names = lasting_names(disk.facts),
          .description = describe(disk.facts),
          .slot = disk.facts.slot,
          .purpose = decision.purpose,
          .metadata = decision.metadata,
          .db_bytes = decision.db_bytes,
          .parts = decision.parts,
          .osd_uuid = {},
          .osd_id = {}};
}

void begin_wipe(Ledger& ledger, const std::string& id, const Content& content, const model::Storage& storage) {
  std::erase(ledger.erased, id);
  std::erase_if(ledger.wipes, [&](const auto& wipe) { return wipe.id == id; });
  ledger.wipes.push_back({id, content});
  const bool listed = std::ranges::contains(storage.wipe, id, [](const auto& one) { return one.str(); });
  if (listed && !std::ranges::contains(ledger.used_consents, id)) ledger.used_consents.push_back(id);
}

void cancel_wipe(Ledger& ledger, const std::string& id) {
  std::erase_if(ledger.wipes, [&](const auto& wipe) { return wipe.id == id; });
  std::erase(ledger.used_consents, id);
}

void end_wipe(Ledger& ledger, const std::string& id) {
  std::erase_if(ledger.wipes, [&](const auto& wipe) { return wipe.id == id; });
  if (!std::ranges::contains(ledger.erased, id)) ledger.erased.push_back(id);
}

namespace {

// On which disk the database of each OSD is, by the OSD's uuid.
std::map<std::string, const Disk*> databases(const std::vector<Disk>& disks) {
  std::map<std::string, const Disk*> found;
  for (const auto& disk : disks)
    if (disk.cls == Class::metadata)
      for (const auto& part : disk.facts.content.ceph) found.emplace(part.osd_uuid, &disk);
  return found;
}

Claim& claimed(Ledger& ledger, const Disk& disk, Purpose purpose) {
  if (auto* const known = ledger.of(disk.facts)) {
    known->purpose = purpose;
    return *known;
  }
  ledger.claims.push_back(claim_for(disk, {.use = Use::osd, .why = {}, .purpose = purpose, .metadata = {}}));
  return ledger.claims.back();
}

// A device whose share was never said holds what it holds and no more.
void note_metadata(Ledger& ledger, const Disk& disk) {
  auto& claim = claimed(ledger, disk, Purpose::metadata);
  claim.slot = disk.facts.slot;
  const auto& parts = disk.facts.content.ceph;
  if (claim.parts > 0) return;
  claim.parts = std::ssize(parts);
  claim.db_bytes = std::ranges::max(parts, {}, &CephPart::bytes).bytes;
}

void note_osd(Ledger& ledger, const Disk& disk, const std::map<std::string, const Disk*>& databases) {
  auto& claim = claimed(ledger, disk, Purpose::data);
  const auto& part = *std::ranges::find(disk.facts.content.ceph, CephRole::block, &CephPart::role);
  claim.osd_uuid = part.osd_uuid;
  claim.osd_id = part.osd_id;
  claim.slot = disk.facts.slot;
  if (const auto device = databases.find(part.osd_uuid); device != databases.end())
    // By the name that its claim has: a name may fall along the chain later.
    if (const auto* const owner = ledger.of(device->second->facts)) claim.metadata = owner->id;
}

// A wipe whose disk is blank was cut off at its very end; one whose disk holds something else is no longer wanted.
void note_wipe(Ledger& ledger, const Disk& disk) {
  const auto begun = std::ranges::find(ledger.wipes, disk.facts.id, &Wipe::id);
  if (begun == ledger.wipes.end() || !known_content(disk)) return;
  if (disk.facts.content.blank()) {
    end_wipe(ledger, disk.facts.id);
  } else if (disk.cls != Class::foreign || !remains(begun->content, disk.facts.content)) {
    ledger.wipes.erase(begun);
  }
}

void note_erased(Ledger& ledger, const Disk& disk) {
  const auto& content = disk.facts.content;
  if (!known_content(disk) || content.blank() || content.only_between_ends()) return;
  std::erase_if(ledger.erased, [&](const auto& id) { return std::ranges::contains(disk.facts.names, id); });
}

}  // namespace

Ledger updated(Ledger ledger, const std::vector<Disk>& disks, const model::Storage& storage) {
  const auto with_databases = databases(disks);
  for (const auto& disk : disks)
    if (disk.cls == Class::metadata) note_metadata(ledger, disk);
  for (const auto& disk : disks) {
    if (disk.cls == Class::osd) note_osd(ledger, disk, with_databases);
    note_wipe(ledger, disk);
    note_erased(ledger, disk);
  }
  std::erase_if(ledger.used_consents, [&](const auto& id) {
    return std::ranges::none_of(storage.wipe, [&](const auto& listed) { return listed.str() == id; });
  });
  return ledger;
}

}  // namespace loam::diskmgr
