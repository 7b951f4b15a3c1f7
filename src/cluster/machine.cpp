#include "cluster/machine.hpp"

#include <chrono>
#include <format>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "cluster/machine_access.hpp"

namespace loam::cluster {

using nlohmann::json;

namespace {

constexpr const char* api = "loam.dev/v1alpha1";

// Limits as wide as no node needs them: what is stored is bounded, also where a node lies.
constexpr int word_limit = 128;
constexpr int sentence_limit = 2048;
constexpr int list_limit = 64;

json text(int limit) { return {{"type", "string"}, {"maxLength", limit}}; }

json count() { return {{"type", "integer"}, {"minimum", 0}}; }

json list_of(json items) { return {{"type", "array"}, {"maxItems", list_limit}, {"items", std::move(items)}}; }

// Server-side apply merges it by this key.
json list_by(const char* key, json properties) {
  auto required = json::array({key});
  auto list = list_of({{"type", "object"}, {"required", std::move(required)}, {"properties", std::move(properties)}});
  list["x-kubernetes-list-type"] = "map";
  list["x-kubernetes-list-map-keys"] = json::array({key});
  return list;
}

json condition_fields() {
  return {{"type", text(word_limit)},
          {"status", {{"type", "string"}, {"enum", {"True", "False", "Unknown"}}}},
          {"reason", text(word_limit)},
          {"message", text(sentence_limit)},
          {"lastTransitionTime", {{"type", "string"}, {"format", "date-time"}}}};
}

json status_schema() {
  return {{"type", "object"},
          {"properties",
           {{"release", text(word_limit)},
            {"slot", text(word_limit)},
            {"state", text(word_limit)},
            {"reasons", list_of(text(sentence_limit))},
            {"disks", list_by("class", {{"class", text(word_limit)}, {"count", count()}})},
            {"diskSummary", text(sentence_limit)},
            {"bonds", list_by("name", {{"name", text(word_limit)},
                                       {"members", list_of(text(word_limit))},
                                       {"activeMembers", list_of(text(word_limit))}})},
            {"bondSummary", text(sentence_limit)},
            {"conditions", list_by("type", condition_fields())}}}};
}

json schema() {
  return {{"type", "object"},
          {"description", "A node of Loam as it describes itself."},
          {"properties",
           {{"spec", {{"type", "object"}, {"description", "Empty: what a node is, its loam.yaml says."}}},
            {"status", status_schema()}}}};
}

json columns() {
  const auto column = [](const char* name, const char* path) {
    return json{{"name", name}, {"type", "string"}, {"jsonPath", path}};
  };
  return json::array({column("Release", ".status.release"), column("Slot", ".status.slot"),
                      column("State", ".status.state"), column("Disks", ".status.diskSummary"),
                      column("Bond", ".status.bondSummary"),
                      json{{"name", "Age"}, {"type", "date"}, {"jsonPath", ".metadata.creationTimestamp"}}});
}

// "osd 24, blank 1"
std::string disk_summary(const std::map<std::string, int>& disks) {
  std::vector<std::string> parts;
  parts.reserve(disks.size());
  for (const auto& [name, number] : disks) parts.push_back(std::format("{} {}", name, number));
  return join(parts, ", ");
}

// "bond0 1/2"
std::string bond_summary(const std::vector<MachineBond>& bonds) {
  std::vector<std::string> parts;
  parts.reserve(bonds.size());
  for (const auto& bond : bonds)
    parts.push_back(std::format("{} {}/{}", bond.name, bond.active.size(), bond.members.size()));
  return join(parts, ", ");
}

// Cut where the schema would refuse it, with the dots that say so.
std::string fitting(std::string_view text, int limit) {
  constexpr std::size_t dots = 3;
  return printable(text, static_cast<std::size_t>(limit) - dots);
}

json list(const std::vector<std::string>& all, int limit) {
  auto made = json::array();
  for (const auto& one : all)
    if (made.size() < list_limit) made.push_back(fitting(one, limit));
  return made;
}

json condition(const MachineCondition& one) {
  const std::chrono::sys_seconds since{std::chrono::seconds(one.since)};
  return {{"type", one.type},
          {"status", one.status},
          {"reason", one.reason},
          {"message", fitting(one.message, sentence_limit)},
          {"lastTransitionTime", std::format("{:%FT%TZ}", since)}};
}

}  // namespace

Resource machines() { return {.api = api, .plural = "machines", .space = ""}; }

json machine_definition() {
  const json names = {
      {"plural", "machines"}, {"singular", "machine"}, {"kind", "Machine"}, {"listKind", "MachineList"}};
  const json version = {{"name", "v1alpha1"},
                        {"served", true},
                        {"storage", true},
                        {"subresources", {{"status", json::object()}}},
                        {"schema", {{"openAPIV3Schema", schema()}}},
                        {"additionalPrinterColumns", columns()}};
  return {
      {"apiVersion", "apiextensions.k8s.io/v1"},
      {"kind", "CustomResourceDefinition"},
      {"metadata", {{"name", "machines.loam.dev"}}},
      {"spec", {{"group", "loam.dev"}, {"names", names}, {"scope", "Cluster"}, {"versions", json::array({version})}}}};
}

json machine(std::string_view node) {
  return {{"apiVersion", api}, {"kind", "Machine"}, {"metadata", {{"name", node}}}};
}

json machine_with_status(std::string_view node, const MachineStatus& status) {
  auto disks = json::array();
  for (const auto& [name, number] : status.disks) disks.push_back({{"class", name}, {"count", number}});
  auto bonds = json::array();
  for (const auto& bond : status.bonds)
    bonds.push_back({{"name", bond.name},
                     {"members", list(bond.members, word_limit)},
                     {"activeMembers", list(bond.active, word_limit)}});
  auto conditions = json::array();
  for (const auto& one : status.conditions) conditions.push_back(condition(one));
  auto made = machine(node);
  made["status"] = {{"release", status.release},
                    {"slot", status.slot},
                    {"state", status.state},
                    {"reasons", list(status.reasons, sentence_limit)},
                    {"disks", std::move(disks)},
                    {"diskSummary", fitting(disk_summary(status.disks), sentence_limit)},
                    {"bonds", std::move(bonds)},
                    {"bondSummary", fitting(bond_summary(status.bonds), sentence_limit)},
                    {"conditions", std::move(conditions)}};
  return made;
}

std::vector<json> machine_manifests() {
  return {machine_definition(), machine_policy(), machine_policy_binding(), machine_role(), machine_role_binding()};
}

}  // namespace loam::cluster
