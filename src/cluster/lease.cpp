#include "cluster/lease.hpp"

#include <format>
#include <nlohmann/json.hpp>

#include "base/whole_number.hpp"

namespace loam::cluster {

using nlohmann::json;
using std::chrono::seconds;

Result<Lease> parse_lease(const json& object) {
  try {
    const auto& spec = object.at("spec");
    // Whoever made it by hand, or let go of it, may leave anything out.
    return Lease{
        .holder = spec.value("holderIdentity", ""),
        .duration =
            seconds(spec.contains("leaseDurationSeconds") ? whole_number<int>(spec["leaseDurationSeconds"]) : 1),
        .acquired = spec.value("acquireTime", ""),
        .renewed = spec.value("renewTime", ""),
        .transitions = spec.contains("leaseTransitions") ? whole_number<std::int32_t>(spec["leaseTransitions"]) : 0,
        .version = object.at("metadata").at("resourceVersion")};
  } catch (const json::exception& problem) {
    return fail(std::format("a Lease that cannot be read: {}", problem.what()));
  }
}

json lease_object(std::string_view space, std::string_view name, const Lease& lease) {
  json spec = {{"leaseDurationSeconds", lease.duration.count()}, {"leaseTransitions", lease.transitions}};
  if (!lease.holder.empty()) spec["holderIdentity"] = lease.holder;
  if (!lease.acquired.empty()) spec["acquireTime"] = lease.acquired;
  if (!lease.renewed.empty()) spec["renewTime"] = lease.renewed;
  json metadata = {{"name", name}, {"namespace", space}};
  if (!lease.version.empty()) metadata["resourceVersion"] = lease.version;
  return {{"apiVersion", "coordination.k8s.io/v1"},
          {"kind", "Lease"},
          {"metadata", std::move(metadata)},
          {"spec", std::move(spec)}};
}

LeaseStep next_lease_step(const std::optional<Lease>& seen, std::string_view self, Steady unchanged_since, Steady now) {
  if (!seen) return LeaseStep::create;
  if (seen->holder == self) return LeaseStep::renew;
  if (seen->holder.empty() || now - unchanged_since > seen->duration) return LeaseStep::take;
  return LeaseStep::wait;
}

Lease lease_after(LeaseStep step, const std::optional<Lease>& seen, std::string_view self, seconds duration, Wall now) {
  Lease next = seen.value_or(Lease{});
  next.duration = duration;
  next.renewed = micro_time(now);
  if (step == LeaseStep::renew) return next;
  next.holder = self;
  next.acquired = next.renewed;
  if (step == LeaseStep::take) ++next.transitions;
  return next;
}

std::string micro_time(Wall time) {
  return std::format("{:%FT%T}Z", std::chrono::floor<std::chrono::microseconds>(time));
}

}  // namespace loam::cluster
