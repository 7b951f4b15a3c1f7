#include "netcfg/probes.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <format>
#include <nlohmann/json.hpp>

#include "base/ip.hpp"
#include "base/text.hpp"

namespace loam::netcfg {

using nlohmann::json;

namespace {

constexpr std::array<std::string_view, 6> kind_names = {"duplicate", "gateway", "peer", "path-mtu", "dns", "ntp"};

std::int64_t mtu_of(const model::Network& network, const model::LinkName& link) {
  constexpr std::int64_t standard = 1500;
  std::int64_t mtu = standard;
  const auto look = [&](const auto& list) {
    for (const auto& item : list)
      if (item.name == link) mtu = item.mtu.value_or(standard);
  };
  look(network.nics);
  look(network.bonds);
  look(network.vlans);
  look(network.bridges);
  return mtu;
}

void add_interface(const model::Config& config, const model::Interface& interface, std::vector<Probe>& probes) {
  const auto& link = interface.link.str();
  const auto mtu = mtu_of(config.network, interface.link);
  for (const auto& address : interface.addresses)
    if (const auto net = IpNet::parse(address.str()); net && !net->address.v6)
      probes.push_back({ProbeKind::duplicate, link, net->address.str(), 0});
  for (const auto& gateway : {interface.gateway, interface.gateway6}) {
    if (!gateway) continue;
    probes.push_back({ProbeKind::gateway, link, gateway->str(), 0});
    probes.push_back({ProbeKind::path_mtu, link, gateway->str(), mtu});
  }
  // Peers in a network of this interface: through it they must be reached.
  if (!config.cluster) return;
  for (const auto& peer : config.cluster->join) {
    const auto target = IpAddr::parse(peer.str());
    const bool near = target && std::ranges::any_of(interface.addresses, [&](const auto& address) {
                        const auto net = IpNet::parse(address.str());
                        return net && net->contains(*target);
                      });
    if (!near) continue;
    probes.push_back({ProbeKind::peer, link, peer.str(), 0});
    probes.push_back({ProbeKind::path_mtu, link, peer.str(), mtu});
  }
}

}  // namespace

bool is_needed(const Probe& probe) { return probe.kind == ProbeKind::duplicate || probe.kind == ProbeKind::gateway; }

std::vector<Probe> probes_of(const model::Config& config) {
  std::vector<Probe> probes;
  for (const auto& interface : config.network.interfaces) add_interface(config, interface, probes);
  for (const auto& server : config.network.dns.servers) probes.push_back({ProbeKind::dns, "", server.str(), 0});
  probes.push_back({ProbeKind::ntp, "", "", 0});
  return probes;
}

namespace {

json probe_json(const Probe& probe) {
  return {{"kind", kind_names.at(static_cast<std::size_t>(probe.kind))},
          {"link", probe.link},
          {"target", probe.target},
          {"mtu", probe.mtu}};
}

// Throws json::exception.
Probe probe_of(const json& value) {
  const auto name = value.at("kind").get<std::string>();
  const auto kind = std::ranges::find(kind_names, name);
  if (kind == kind_names.end()) throw json::other_error::create(599, "unknown kind of probe", nullptr);
  return {static_cast<ProbeKind>(kind - kind_names.begin()), value.at("link").get<std::string>(),
          value.at("target").get<std::string>(), value.at("mtu").get<std::int64_t>()};
}

}  // namespace

std::string to_json(const std::vector<Probe>& probes) {
  json list = json::array();
  for (const auto& probe : probes) list.push_back(probe_json(probe));
  return list.dump();
}

Result<std::vector<Probe>> parse_probes(std::string_view text) {
  try {
    std::vector<Probe> probes;
    const auto list = json::parse(text);
    for (const auto& item : list) probes.push_back(probe_of(item));
    return probes;
  } catch (const json::exception& problem) {
    return fail(std::format("probes: {}", printable(problem.what())));
  }
}

std::string to_json(const ProbeResult& result) {
  auto value = probe_json(result.probe);
  value["good"] = result.good;
  value["text"] = result.text;
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<ProbeResult> parse_probe_result(std::string_view text) {
  try {
    const auto value = json::parse(text);
    return ProbeResult{probe_of(value), value.at("good").get<bool>(), value.at("text").get<std::string>()};
  } catch (const json::exception& problem) {
    return fail(std::format("result of a probe: {}", printable(problem.what())));
  }
}

std::string arping_answer(std::string_view output) {
  // "Unicast reply from 192.0.2.11 [52:54:00:12:34:56]  0.812ms"
  const auto open = output.find('[');
  const auto close = output.find(']', open == output.npos ? 0 : open);
  if (open == output.npos || close == output.npos) return "";
  const auto mac = lower(std::string(output.substr(open + 1, close - open - 1)));
  return model::MacAddressKind::check(mac) ? mac : "";
}

}  // namespace loam::netcfg
