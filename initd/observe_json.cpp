#include "observe_json.hpp"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/text.hpp"
#include "model/describe.hpp"
#include "observe_slots.hpp"
#include "slots/upgrade_plan.hpp"

namespace loam::node {

using nlohmann::json;

namespace {

// Serial numbers and labels come from outside and may be no UTF-8.
std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace

namespace {

json facts_json(const diskmgr::Facts& facts) {
  return {{"id", facts.id},
          {"names", facts.names},
          {"clash", facts.clash},
          {"node", facts.node},
          {"link", facts.link},
          {"slot", facts.slot},
          {"paths", facts.paths},
          {"vendor", facts.vendor},
          {"model", facts.model},
          {"serial", facts.serial},
          {"firmware", facts.firmware},
          {"wwn", facts.wwn},
          {"bus", model::enum_name(facts.bus)},
          {"bytes", facts.bytes},
          {"sector_size", facts.sector_size},
          {"physical_sector", facts.physical_sector},
          {"rotational", facts.rotational},
          {"removable", facts.removable},
          {"read_only", facts.read_only},
          {"used_by", facts.used_by},
          {"content", json::parse(to_json(facts.content))},
          {"health", json::parse(to_json(facts.health))}};
}

json gone_json(const diskmgr::Claim& claim) {
  return {{"id", claim.id},
          {"slot", claim.slot},
          {"model", claim.description},
          {"class", "gone"},
          {"osd_id", claim.osd_id},
          {"reason", "its disk is not there"},
          {"use", claim.osd_uuid.empty() ? "waiting" : "osd"},
          {"why", std::format("{}was claimed for Ceph and is gone; loamctl disks replace {}",
                              claim.osd_id.empty() ? "" : "OSD " + claim.osd_id + "; ", claim.id)}};
}

}  // namespace

std::string disks_json(const diskmgr::DiskBook& book, const diskmgr::Ledger& ledger,
                       const std::map<std::string, std::string>& failed) {
  std::vector<json> list;
  for (const auto& [node, entry] : book.entries()) {
    const auto& id = entry.disk.facts.id;
    auto disk = facts_json(entry.disk.facts);
    const auto failure = failed.find(id);
    disk["class"] = diskmgr::class_name(entry.disk.cls);
    disk["reason"] = entry.disk.reason;
    disk["use"] = diskmgr::use_name(entry.decision.use);
    disk["why"] = failure == failed.end() ? entry.decision.why : failure->second;
    disk["failed"] = failure != failed.end();
    disk["erased"] = std::ranges::contains(ledger.erased, id);
    disk["metadata"] = entry.decision.metadata;
    list.push_back(std::move(disk));
  }
  for (const auto& claim : ledger.claims)
    if (book.absent().contains(claim.id)) list.push_back(gone_json(claim));
  std::ranges::sort(list, {}, [](const json& disk) { return disk.at("id").get<std::string>(); });
  return dump(json(std::move(list)));
}

namespace {

json slot_json(const slots::SlotView& view) {
  const auto& entry = view.entry;
  const auto* const check = view.check ? &*view.check : nullptr;
  return {
      {"slot", std::string(1, slots::letter(view.slot))},
      {"booted", view.running},
      {"version", view.version},
      {"state", view.state},
      {"text", slots::state_text(view)},
      {"blessed", entry && !entry->tries_left},
      {"tries_left", entry && entry->tries_left ? json(*entry->tries_left) : json(nullptr)},
      {"verified", check != nullptr ? json{{"at", check->when}, {"good", check->good()}, {"problem", check->problem}}
                                    : json(nullptr)},
      {"verified_text", view.root_hash ? slots::check_text(check) : ""},
      {"root_hash", view.root_hash ? to_hex(*view.root_hash) : ""},
      {"uuid", view.uuid},
      {"bytes", view.bytes}};
}

}  // namespace

Result<std::string> slots_json(const slots::BootFacts& boot) {
  json result = {{"live", boot.live}, {"root_hash", boot.root_hash}, {"slots", json::array()}};
  if (boot.live || boot.disk.disk.empty()) return dump(result);
  LOAM_TRY(const auto views, observe_slots(boot));
  for (const auto& view : views) result["slots"].push_back(slot_json(view));
  return dump(result);
}

}  // namespace loam::node
