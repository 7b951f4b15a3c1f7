#include "observe_json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/text.hpp"
#include "model/describe.hpp"
#include "slots/boot_entries.hpp"
#include "slots/esp.hpp"
#include "slots/gpt.hpp"
#include "slots/release.hpp"

namespace loam::node {

using nlohmann::json;

namespace {

// Serial numbers and labels come from outside and may be no UTF-8.
std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace

std::string disks_json(const std::vector<diskmgr::Disk>& disks) {
  json list = json::array();
  for (const auto& disk : disks) {
    const auto& facts = disk.facts;
    list.push_back({{"id", facts.id},
                    {"node", facts.node},
                    {"model", facts.model},
                    {"serial", facts.serial},
                    {"firmware", facts.firmware},
                    {"wwn", facts.wwn},
                    {"bus", model::enum_name(facts.bus)},
                    {"bytes", facts.bytes},
                    {"sector_size", facts.sector_size},
                    {"rotational", facts.rotational},
                    {"class", diskmgr::class_name(disk.cls)},
                    {"reason", disk.reason},
                    {"content", json::parse(to_json(facts.content))}});
  }
  return dump(list);
}

namespace {

json entries_json(const std::vector<slots::BootEntry>& entries) {
  json list = json::array();
  for (const auto& entry : entries)
    list.push_back({{"version", entry.version},
                    {"blessed", !entry.tries_left},
                    {"tries_left", entry.tries_left ? json(*entry.tries_left) : json(nullptr)}});
  return list;
}

json slot_json(const slots::Gpt& gpt, slots::SlotName slot, const std::string& booted_uuid) {
  const auto* const root = gpt.find(slots::number(slots::root_part(slot)));
  const bool booted = root != nullptr && root->uuid == booted_uuid;
  return {{"slot", slot == slots::SlotName::a ? "a" : "b"},
          {"booted", booted},
          {"version", booted ? LOAM_VERSION : ""},
          {"uuid", root == nullptr ? "" : root->uuid},
          {"bytes", root == nullptr ? 0 : root->bytes}};
}

}  // namespace

Result<std::string> slots_json(const slots::BootFacts& boot) {
  json result = {
      {"live", boot.live}, {"root_hash", boot.root_hash}, {"slots", json::array()}, {"boot_entries", json::array()}};
  if (boot.live || boot.disk.disk.empty()) return dump(result);
  LOAM_TRY(const auto names, slots::Esp::of_partition(boot.disk.esp).list("/EFI/Linux"));
  result["boot_entries"] = entries_json(slots::boot_entries(names));
  LOAM_TRY(const auto gpt, slots::read_gpt(boot.disk.disk, 512));
  LOAM_TRY(const auto digest, slots::parse_digest(boot.root_hash));
  const auto uuid = slots::data_partition_uuid(digest);
  for (const auto slot : {slots::SlotName::a, slots::SlotName::b})
    result["slots"].push_back(slot_json(gpt, slot, uuid));
  return dump(result);
}

}  // namespace loam::node
