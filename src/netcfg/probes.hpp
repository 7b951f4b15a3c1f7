// What is asked of the network to know that it works, beyond what its links say. Pure; loam-netprobe does the asking.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/ip.hpp"
#include "model/config.hpp"

namespace loam::netcfg {

enum class ProbeKind : std::uint8_t {
  duplicate,  // does another host have our address?
  gateway,    // does the gateway answer?
  peer,       // does another node of the cluster answer?
  path_mtu,   // do the largest packets pass to it?
  dns,        // does a resolver answer?
  ntp,        // is the clock synchronised?
};

struct Probe {
  ProbeKind kind = ProbeKind::gateway;
  std::string link;    // interface to ask through; empty: any
  std::string target;  // address that is asked
  std::int64_t mtu = 0;
  bool needed = false;  // its failure undoes a change of the network; of others, it is only said
  bool operator==(const Probe&) const = default;
};

struct ProbeResult {
  Probe probe;
  bool good = false;
  std::string text;  // "gateway 192.0.2.1 answers on bond0"; when bad, with the remedy
};

// Routers that a link has from DHCP or from router advertisements, by name of the link.
using LearnedGateways = std::map<std::string, std::vector<IpAddr>>;

// Interfaces that carry management, become others, and of which no probe can tell whether people still reach them: only
// a person can confirm that.
std::vector<std::string> unprovable(const model::Network& before, const model::Network& after);

std::vector<Probe> probes_of(const model::Config& config, const LearnedGateways& learned = {});

// As loam-netprobe takes and prints them.
std::string to_json(const std::vector<Probe>& probes);
Result<std::vector<Probe>> parse_probes(std::string_view json);
std::string to_json(const ProbeResult& result);
Result<ProbeResult> parse_probe_result(std::string_view json);

// The address that answered to `arping -D`, as "52:54:00:12:34:56"; empty if none is named.
std::string arping_answer(std::string_view output);

}  // namespace loam::netcfg
