// A Lease: who of several does what only one may do, until when. Pure.
// https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/lease-v1/
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace loam::cluster {

struct Lease {
  std::string holder;  // empty: nobody
  std::chrono::seconds duration{15};
  std::string acquired;          // times as the API writes them; our own decisions never read them
  std::string renewed;           // since clocks of nodes differ
  std::int64_t transitions = 0;  // how often it changed its holder
  std::string version;           // resourceVersion of what was read; empty: it is not there yet
  bool operator==(const Lease&) const = default;
};

Result<Lease> parse_lease(const nlohmann::json& object);
nlohmann::json lease_object(std::string_view space, std::string_view name, const Lease& lease);

using Steady = std::chrono::steady_clock::time_point;
using Wall = std::chrono::system_clock::time_point;

enum class LeaseStep : std::uint8_t { create, take, renew, wait };

// unchanged_since: when we saw it first as it is now, by our own clock. A holder that has not renewed it for all of its
// time since then is not alive, whatever its own clock says.
LeaseStep next_lease_step(const std::optional<Lease>& seen, std::string_view self, Steady unchanged_since, Steady now);

// The Lease as `self` writes it for a step other than wait.
Lease lease_after(LeaseStep step, const std::optional<Lease>& seen, std::string_view self,
                  std::chrono::seconds duration, Wall now);

// "2026-11-27T04:20:48.000000Z"
std::string micro_time(Wall time);

}  // namespace loam::cluster
