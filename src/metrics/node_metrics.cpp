#include "metrics/node_metrics.hpp"

#include <algorithm>

#include "metrics/exposition.hpp"

namespace loam::metrics {

namespace {

// Bytes up to 2^53 are exact, and no disk has more.
double number(std::uint64_t value) { return static_cast<double>(value); }

void state(Exposition& out, const Node& node) {
  out.gauge("loam_node_state", "Whether the node is in this state; in one of them it always is.");
  for (const auto& one : node.states) out.sample({{"state", one}}, one == node.state ? 1 : 0);
  out.gauge("loam_condition",
            "Conditions of the node, as loamctl status shows them: each has one status and one reason.");
  for (const auto& one : node.conditions)
    out.sample({{"type", one.type}, {"status", one.status}, {"reason", one.reason}}, 1);
}

void releases(Exposition& out, const Node& node) {
  out.gauge("loam_release_info", "The release that runs.");
  out.sample({{"version", node.version}, {"kubernetes", node.kubernetes}, {"root_hash", node.root_hash}}, 1);
  out.gauge("loam_slot_info", "What is in each slot.");
  for (const auto& one : node.slots)
    out.sample({{"slot", one.slot}, {"version", one.version}, {"state", one.state}}, 1);
  out.gauge("loam_slot_booted", "Whether the node runs from this slot.");
  for (const auto& one : node.slots) out.sample({{"slot", one.slot}}, one.booted ? 1 : 0);
  out.gauge("loam_slot_tries_left", "Starts that a release on trial has left.");
  for (const auto& one : node.slots)
    if (one.tries_left) out.sample({{"slot", one.slot}}, *one.tries_left);
  out.gauge("loam_upgrade_running", "Whether a release is being fetched or written.");
  out.sample(node.upgrade_running ? 1 : 0);
  out.gauge("loam_upgrade_restart_pending", "Whether a release waits in the other slot for a restart.");
  out.sample(node.restart_pending ? 1 : 0);
}

void disks(Exposition& out, const Node& node) {
  out.gauge("loam_disks", "Disks by class.");
  for (const auto& one : node.classes)
    out.sample({{"class", one}}, number(static_cast<std::uint64_t>(std::ranges::count(node.disks, one, &Disk::cls))));
  out.gauge("loam_disk_info", "Each disk: what it is, what it is used for and how it says it is.");
  for (const auto& one : node.disks)
    out.sample({{"id", one.id},
                {"model", one.model},
                {"serial", one.serial},
                {"bus", one.bus},
                {"place", one.place},
                {"class", one.cls},
                {"use", one.use},
                {"health", one.health}},
               1);
  out.gauge("loam_disk_size_bytes", "Size of the disk.");
  for (const auto& one : node.disks) out.sample({{"id", one.id}}, number(one.bytes));
  out.gauge("loam_disk_temperature_celsius", "Temperature of the disk when it was last asked.");
  for (const auto& one : node.disks)
    if (one.celsius) out.sample({{"id", one.id}}, *one.celsius);
  out.gauge("loam_disk_endurance_used_ratio", "How much of its endurance a flash device has used; may go over 1.");
  for (const auto& one : node.disks)
    if (one.percent_used) out.sample({{"id", one.id}}, static_cast<double>(*one.percent_used) / 100);
  out.gauge("loam_disk_claims", "Disks that were promised to Ceph, and whether they are there.");
  for (const auto& one : node.claims) {
    out.sample({{"purpose", one.purpose}, {"present", "true"}}, number(one.present));
    out.sample({{"purpose", one.purpose}, {"present", "false"}}, number(one.absent));
  }
}

void work(Exposition& out, const Node& node) {
  out.gauge("loam_network_on_trial", "Whether a change of the network goes back unless it is confirmed.");
  out.sample(node.network_on_trial ? 1 : 0);
  const auto& progress = node.progress;
  const bool counted = !progress.step.empty() && progress.total != 0;
  out.gauge("loam_progress_done_bytes", "What is done of the work that is going on.");
  if (counted) out.sample({{"step", progress.step}}, number(progress.done));
  out.gauge("loam_progress_size_bytes", "All of the work that is going on.");
  if (counted) out.sample({{"step", progress.step}}, number(progress.total));
  out.counter("loam_supervisor_starts_total",
              "Starts of loamd since the node started; more than one is a crash of it.");
  out.sample(number(node.starts));
  out.gauge("loam_supervisor_start_time_seconds", "When loamd started, in seconds since 1970.");
  out.sample(static_cast<double>(node.started));
}

}  // namespace

std::string node_metrics(const Node& node) {
  Exposition out;
  state(out, node);
  releases(out, node);
  disks(out, node);
  work(out, node);
  return std::move(out).text();
}

}  // namespace loam::metrics
