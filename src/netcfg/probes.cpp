#include "netcfg/probes.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <format>
#include <nlohmann/json.hpp>

#include "base/ip.hpp"
#include "base/text.hpp"
#include "base/whole_number.hpp"
#include "model/mtu.hpp"

namespace loam::netcfg {

using nlohmann::json;

namespace {

constexpr std::array<std::string_view, 6> kind_names = {"duplicate", "gateway", "peer", "path-mtu", "dns", "ntp"};

// Those of loam.yaml are needed. So is that of DHCP; a router that announces IPv6 beside an IPv4 network is not.
void add_gateways(const model::Interface& interface, std::int64_t mtu, const LearnedGateways& learned,
                  std::vector<Probe>& probes) {
  const auto& link = interface.link.str();
  const auto add = [&](const std::string& gateway, bool needed) {
    probes.push_back({ProbeKind::gateway, link, gateway, 0, needed});
    probes.push_back({ProbeKind::path_mtu, link, gateway, mtu});
  };
  bool has_v4 = false;
  bool has_v6 = false;
  for (const auto& gateway : {interface.gateway, interface.gateway6}) {
    if (!gateway) continue;
    add(gateway->str(), true);
    (gateway->str().contains(':') ? has_v6 : has_v4) = true;
  }
  const auto found = learned.find(link);
  if (found == learned.end()) return;
  const bool only_v6 = interface.addresses.empty() && !interface.dhcp4;
  for (const auto& gateway : found->second)
    if (!(gateway.v6 ? has_v6 : has_v4)) add(gateway.str(), !gateway.v6 || only_v6);
}

void add_interface(const model::Config& config, const model::Interface& interface, const LearnedGateways& learned,
                   std::vector<Probe>& probes) {
  const auto& link = interface.link.str();
  const auto mtu = model::mtu_of(config.network, interface.link);
  for (const auto& address : interface.addresses)
    if (const auto net = IpNet::parse(address.str()); net && !net->address.v6)
      probes.push_back({ProbeKind::duplicate, link, net->address.str(), 0, true});
  add_gateways(interface, mtu, learned, probes);
  // Peers in a network of this interface: through it they must be reached. One may be off; but where it answers and
  // large packets do not pass, Ceph stands still.
  if (!config.cluster) return;
  for (const auto& peer : config.cluster->join) {
    const auto target = IpAddr::parse(peer.str());
    const bool near = target && std::ranges::any_of(interface.addresses, [&](const auto& address) {
                        const auto net = IpNet::parse(address.str());
                        return net && net->contains(*target);
                      });
    if (!near) continue;
    probes.push_back({ProbeKind::peer, link, peer.str(), 0});
    probes.push_back({ProbeKind::path_mtu, link, peer.str(), mtu, true});
  }
}

}  // namespace

std::vector<Probe> probes_of(const model::Config& config, const LearnedGateways& learned) {
  std::vector<Probe> probes;
  for (const auto& interface : config.network.interfaces) add_interface(config, interface, learned, probes);
  for (const auto& server : config.network.dns.servers) probes.push_back({ProbeKind::dns, "", server.str(), 0});
  probes.push_back({ProbeKind::ntp, "", "", 0});
  return probes;
}

std::vector<std::string> unprovable(const model::Network& before, const model::Network& after) {
  const auto manages = [](const model::Interface& interface) {
    return std::ranges::contains(interface.roles, model::Role::management);
  };
  const auto old = std::ranges::find_if(before.interfaces, manages);
  if (old == before.interfaces.end() || std::ranges::contains(after.interfaces, *old)) return {};
  const auto now = std::ranges::find_if(after.interfaces, manages);
  if (now == after.interfaces.end())
    return {std::format("{} carries management no more, and nothing else does", old->link.str())};
  // Those ask a gateway, or get their addresses from who has one.
  if (now->dhcp4 || now->addresses.empty() || now->gateway || now->gateway6) return {};
  return {std::format("{}: management changes and has no gateway that could be asked", now->link.str())};
}

namespace {

json probe_json(const Probe& probe) {
  return {{"kind", kind_names.at(static_cast<std::size_t>(probe.kind))},
          {"link", probe.link},
          {"target", probe.target},
          {"mtu", probe.mtu},
          {"needed", probe.needed}};
}

// Throws json::exception.
Probe probe_of(const json& value) {
  const auto name = value.at("kind").get<std::string>();
  const auto kind = std::ranges::find(kind_names, name);
  if (kind == kind_names.end()) throw json::other_error::create(599, "unknown kind of probe", nullptr);
  return {static_cast<ProbeKind>(kind - kind_names.begin()), value.at("link").get<std::string>(),
          value.at("target").get<std::string>(), whole_number<std::int64_t>(value.at("mtu")),
          value.at("needed").get<bool>()};
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
