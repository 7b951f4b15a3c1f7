#include "diskmgr/node_storage.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

namespace loam::diskmgr {

using nlohmann::json;

namespace {

const char* device_class(const Facts& disk) {
  if (disk.rotational) return "hdd";
  return disk.bus == model::Bus::nvme ? "nvme" : "ssd";
}

// An OSD, or what will be one: not what was claimed and holds something else since.
bool is_cephs(const Disk& disk, const Ledger& ledger) {
  const bool erased = disk.cls == Class::foreign && disk.facts.content.only_between_ends() &&
                      std::ranges::contains(ledger.erased, disk.facts.id);
  return disk.cls == Class::osd || disk.cls == Class::metadata || disk.cls == Class::blank || erased;
}

}  // namespace

std::string node_storage(const std::string& hostname, const Ledger& ledger, const std::vector<Disk>& disks) {
  std::map<std::string, std::string> links;  // by the id of the claim
  std::vector<std::pair<const Claim*, const Disk*>> data;
  for (const auto& disk : disks) {
    const auto* const claim = ledger.of(disk.facts);
    if (claim == nullptr || disk.facts.link.empty() || !is_cephs(disk, ledger)) continue;
    links[claim->id] = disk.facts.link;
    if (claim->purpose == Purpose::data) data.emplace_back(claim, &disk);
  }
  auto devices = json::array();
  for (const auto& [claim, disk] : data) {
    json config = {{"deviceClass", device_class(disk->facts)}};
    if (!claim->metadata.empty()) {
      const auto metadata = links.find(claim->metadata);
      if (metadata == links.end()) continue;  // without it, Ceph would make the OSD without its database
      config["metadataDevice"] = metadata->second;
      config["databaseSizeMB"] = std::to_string(claim->db_bytes >> 20U);
    }
    devices.push_back({{"name", disk->facts.link}, {"config", std::move(config)}});
  }
  return json{{"name", hostname}, {"devices", std::move(devices)}}.dump();
}

}  // namespace loam::diskmgr
