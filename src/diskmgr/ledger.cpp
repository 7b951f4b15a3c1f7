#include "diskmgr/ledger.hpp"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "base/whole_number.hpp"

namespace loam::diskmgr {

using nlohmann::json;

namespace {

bool is(const Claim& claim, const Facts& disk) {
  return std::ranges::any_of(disk.names, [&](const auto& name) { return std::ranges::contains(claim.names, name); });
}

}  // namespace

const Claim* Ledger::of(const Facts& disk) const {
  const auto found = std::ranges::find_if(claims, [&](const auto& claim) { return is(claim, disk); });
  return found == claims.end() ? nullptr : &*found;
}

Claim* Ledger::of(const Facts& disk) {
  const auto found = std::ranges::find_if(claims, [&](const auto& claim) { return is(claim, disk); });
  return found == claims.end() ? nullptr : &*found;
}

const Claim* Ledger::find(std::string_view id) const {
  const auto found = std::ranges::find_if(
      claims, [&](const auto& claim) { return claim.id == id || std::ranges::contains(claim.names, id); });
  return found == claims.end() ? nullptr : &*found;
}

std::vector<std::string> lasting_names(const Facts& disk) {
  std::vector<std::string> names;
  for (const auto& name : disk.names)
    if (!name.starts_with("path-")) names.push_back(name);
  return names.empty() ? disk.names : names;
}

std::string to_json(const Ledger& ledger) {
  json value = {{"version", 1},
                {"claims", json::array()},
                {"used_consents", ledger.used_consents},
                {"wipes", json::array()},
                {"erased", ledger.erased}};
  for (const auto& claim : ledger.claims)
    value["claims"].push_back({{"id", claim.id},
                               {"names", claim.names},
                               {"description", claim.description},
                               {"slot", claim.slot},
                               {"purpose", claim.purpose == Purpose::data ? "data" : "metadata"},
                               {"metadata", claim.metadata},
                               {"db_bytes", claim.db_bytes},
                               {"parts", claim.parts},
                               {"osd_uuid", claim.osd_uuid},
                               {"osd_id", claim.osd_id}});
  for (const auto& wipe : ledger.wipes)
    value["wipes"].push_back({{"id", wipe.id}, {"content", json::parse(to_json(wipe.content))}});
  return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

namespace {

Claim read_claim(const json& value) {
  return {.id = value.at("id").get<std::string>(),
          .names = value.at("names").get<std::vector<std::string>>(),
          .description = value.at("description").get<std::string>(),
          .slot = value.at("slot").get<std::string>(),
          .purpose = value.at("purpose").get<std::string>() == "data" ? Purpose::data : Purpose::metadata,
          .metadata = value.at("metadata").get<std::string>(),
          .db_bytes = whole_number<std::uint64_t>(value.at("db_bytes")),
          .parts = whole_number<std::int64_t>(value.at("parts")),
          .osd_uuid = value.at("osd_uuid").get<std::string>(),
          .osd_id = value.at("osd_id").get<std::string>()};
}

}  // namespace

Result<Ledger> parse_ledger(std::string_view text) {
  try {
    const auto value = json::parse(text);
    if (whole_number<int>(value.at("version")) != 1) return fail("the ledger of disks is of a newer release");
    Ledger ledger;
    for (const auto& claim : value.at("claims")) ledger.claims.push_back(read_claim(claim));
    ledger.used_consents = value.at("used_consents").get<std::vector<std::string>>();
    ledger.erased = value.at("erased").get<std::vector<std::string>>();
    for (const auto& wipe : value.at("wipes")) {
      LOAM_TRY(auto content, parse_content(wipe.at("content").dump()));
      ledger.wipes.push_back({wipe.at("id").get<std::string>(), std::move(content)});
    }
    return ledger;
  } catch (const json::exception& problem) {
    return fail(
        std::format("the ledger of disks cannot be read: {}", printable(problem.what())),
        std::format("{} says which disks are Ceph's; restore it, or remove it and claim them again", ledger_path));
  }
}

}  // namespace loam::diskmgr
