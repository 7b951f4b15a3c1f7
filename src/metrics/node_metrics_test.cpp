#include "metrics/node_metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/text.hpp"
#include "metrics/exposition.hpp"

namespace loam::metrics {
namespace {

Node node() {
  return {.states = {"installing", "ready", "degraded"},
          .state = "degraded",
          .conditions = {{.type = "Config", .status = "true", .reason = "Applied"},
                         {.type = "Network", .status = "false", .reason = "NoCarrier"}},
          .version = "0.2.0",
          .kubernetes = "1.34.4",
          .root_hash = "ab12",
          .slots = {{.slot = "a", .version = "0.1.0", .state = "blessed", .booted = false, .tries_left = {}},
                    {.slot = "b", .version = "0.2.0", .state = "trial", .booted = true, .tries_left = 2}},
          .classes = {"os", "osd", "blank"},
          .disks = {{.id = "wwn-0x5000c500a1b2c3d4",
                     .model = R"(LOAM "HDD"\)",
                     .serial = "hdd0\n",
                     .bus = "sas",
                     .place = "3 in enclosure 5000",
                     .cls = "osd",
                     .use = "osd",
                     .health = "warning",
                     .bytes = 8001563222016,
                     .celsius = 31,
                     .percent_used = {}},
                    {.id = "nvme-1",
                     .model = "",
                     .serial = "\xff",
                     .bus = "nvme",
                     .place = "",
                     .cls = "os",
                     .use = "none",
                     .health = "good",
                     .bytes = 0,
                     .celsius = {},
                     .percent_used = 103}},
          .claims = {{.purpose = "data", .present = 5, .absent = 1}},
          .progress = {.step = "fetch", .done = 1048576, .total = 4194304},
          .network_on_trial = true,
          .upgrade_running = true,
          .restart_pending = false,
          .starts = 3,
          .started = 1767225600};
}

TEST(NodeMetrics, TextFormat) {
  EXPECT_EQ(node_metrics(node()),
            R"(# HELP loam_node_state Whether the node is in this state; in one of them it always is.
# TYPE loam_node_state gauge
loam_node_state{state="installing"} 0
loam_node_state{state="ready"} 0
loam_node_state{state="degraded"} 1
# HELP loam_condition Conditions of the node, as loamctl status shows them: each has one status and one reason.
# TYPE loam_condition gauge
loam_condition{type="Config",status="true",reason="Applied"} 1
loam_condition{type="Network",status="false",reason="NoCarrier"} 1
# HELP loam_release_info The release that runs.
# TYPE loam_release_info gauge
loam_release_info{version="0.2.0",kubernetes="1.34.4",root_hash="ab12"} 1
# HELP loam_slot_info What is in each slot.
# TYPE loam_slot_info gauge
loam_slot_info{slot="a",version="0.1.0",state="blessed"} 1
loam_slot_info{slot="b",version="0.2.0",state="trial"} 1
# HELP loam_slot_booted Whether the node runs from this slot.
# TYPE loam_slot_booted gauge
loam_slot_booted{slot="a"} 0
loam_slot_booted{slot="b"} 1
# HELP loam_slot_tries_left Starts that a release on trial has left.
# TYPE loam_slot_tries_left gauge
loam_slot_tries_left{slot="b"} 2
# HELP loam_upgrade_running Whether a release is being fetched or written.
# TYPE loam_upgrade_running gauge
loam_upgrade_running 1
# HELP loam_upgrade_restart_pending Whether a release waits in the other slot for a restart.
# TYPE loam_upgrade_restart_pending gauge
loam_upgrade_restart_pending 0
# HELP loam_disks Disks by class.
# TYPE loam_disks gauge
loam_disks{class="os"} 1
loam_disks{class="osd"} 1
loam_disks{class="blank"} 0
# HELP loam_disk_info Each disk: what it is, what it is used for and how it says it is.
# TYPE loam_disk_info gauge
loam_disk_info{id="wwn-0x5000c500a1b2c3d4",model="LOAM \"HDD\"\\",serial="hdd0?",bus="sas",place="3 in enclosure 5000",class="osd",use="osd",health="warning"} 1
loam_disk_info{id="nvme-1",model="",serial="?",bus="nvme",place="",class="os",use="none",health="good"} 1
# HELP loam_disk_size_bytes Size of the disk.
# TYPE loam_disk_size_bytes gauge
loam_disk_size_bytes{id="wwn-0x5000c500a1b2c3d4"} 8001563222016
loam_disk_size_bytes{id="nvme-1"} 0
# HELP loam_disk_temperature_celsius Temperature of the disk when it was last asked.
# TYPE loam_disk_temperature_celsius gauge
loam_disk_temperature_celsius{id="wwn-0x5000c500a1b2c3d4"} 31
# HELP loam_disk_endurance_used_ratio How much of its endurance a flash device has used; may go over 1.
# TYPE loam_disk_endurance_used_ratio gauge
loam_disk_endurance_used_ratio{id="nvme-1"} 1.03
# HELP loam_disk_claims Disks that were promised to Ceph, and whether they are there.
# TYPE loam_disk_claims gauge
loam_disk_claims{purpose="data",present="true"} 5
loam_disk_claims{purpose="data",present="false"} 1
# HELP loam_network_on_trial Whether a change of the network goes back unless it is confirmed.
# TYPE loam_network_on_trial gauge
loam_network_on_trial 1
# HELP loam_progress_done_bytes What is done of the work that is going on.
# TYPE loam_progress_done_bytes gauge
loam_progress_done_bytes{step="fetch"} 1048576
# HELP loam_progress_size_bytes All of the work that is going on.
# TYPE loam_progress_size_bytes gauge
loam_progress_size_bytes{step="fetch"} 4194304
# HELP loam_supervisor_starts_total Starts of loamd since the node started; more than one is a crash of it.
# TYPE loam_supervisor_starts_total counter
loam_supervisor_starts_total 3
# HELP loam_supervisor_start_time_seconds When loamd started, in seconds since 1970.
# TYPE loam_supervisor_start_time_seconds gauge
loam_supervisor_start_time_seconds 1767225600
)");
}

TEST(NodeMetrics, NothingIsSaidOfWhatIsNotThere) {
  const auto text = node_metrics({});
  EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr("loam_slot")));
  EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr("loam_disk")));
  EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr("loam_progress")));
  EXPECT_THAT(text, ::testing::HasSubstr("\nloam_network_on_trial 0\n"));
}

// A series that stands twice makes node exporter refuse the whole file.
TEST(NodeMetrics, EverySeriesStandsOnce) {
  const auto text = node_metrics(node());
  std::set<std::string_view> seen;
  for (const auto line : split(std::string_view(text).substr(0, text.size() - 1), '\n'))
    EXPECT_TRUE(seen.insert(line.substr(0, line.rfind(' '))).second) << line;
}

TEST(Exposition, LongValuesAreCut) {
  Exposition out;
  out.gauge("a", "A.");
  out.sample({{"b", std::string(5000, 'x')}}, 0.5);
  EXPECT_LT(std::move(out).text().size(), 400U);
}

}  // namespace
}  // namespace loam::metrics
