#include "netcfg/neighbours.hpp"

#include <format>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace loam::netcfg {

using nlohmann::json;

namespace {

constexpr std::size_t longest = 80;

std::string text(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? printable(found->get<std::string>(), longest) : "";
}

Neighbour neighbour(const json& value) {
  auto system = text(value, "SystemName");
  if (system.empty()) system = text(value, "ChassisID");
  return {std::move(system), text(value, "PortID"), text(value, "PortDescription")};
}

}  // namespace

Result<Neighbours> parse_neighbours(std::string_view output) {
  const auto value = json::parse(output, nullptr, false);
  const auto list = value.is_object() ? value.value("Neighbors", json(nullptr)) : json(nullptr);
  if (!list.is_array()) return fail("networkctl lldp: no list of neighbours", "networkctl lldp shows what it says");
  Neighbours found;
  for (const auto& interface : list) {
    if (!interface.is_object()) continue;
    const auto neighbours = interface.find("Neighbors");
    if (neighbours == interface.end() || !neighbours->is_array() || neighbours->empty()) continue;
    if (const auto& first = neighbours->front(); first.is_object())
      found.emplace(text(interface, "InterfaceName"), neighbour(first));
  }
  return found;
}

}  // namespace loam::netcfg
