#include "slots/gate.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "testing/temp_dir.hpp"

namespace loam::slots {
namespace {

const NodeBefore before{.disks = {"wwn-1", "wwn-2"}, .state_partition = true};

TEST(Gate, PassesWhereTheNodeIsWell) {
  EXPECT_EQ(judge_gate(before, {.well = true}), Gate::passes);
  EXPECT_EQ(judge_gate(before, {.well = false}), Gate::waits);
}

// A driver that the new kernel lacks shows as disks that are not there.
TEST(Gate, WaitsForEachDiskThatWasThereBefore) {
  EXPECT_EQ(judge_gate(before, {.well = true, .gone = {"wwn-2"}}), Gate::waits);
  EXPECT_EQ(judge_gate(before, {.well = true, .gone = {"wwn-3"}}), Gate::passes) << "it was gone before, too";
}

TEST(Gate, TellsTheRackFromTheNode) {
  const Fault gateway{"Network", "ProbeFailed"};
  const Fault api{"Cluster", "Unreachable"};
  EXPECT_EQ(judge_gate(before, {.faults = {gateway}}), Gate::rack);
  EXPECT_EQ(judge_gate(before, {.faults = {gateway, api}}), Gate::rack);
  EXPECT_EQ(judge_gate(before, {.faults = {gateway, {"Network", "LinkProblem"}}}), Gate::waits);
  EXPECT_EQ(judge_gate(before, {.faults = {gateway}, .gone = {"wwn-1"}}), Gate::waits);
}

TEST(Gate, BlamesNoReleaseForAStatePartitionThatWasBroken) {
  const NodeBefore broken{.disks = {}, .state_partition = false};
  const Fault partitions{"Partitions", "Unusable"};
  EXPECT_EQ(judge_gate(broken, {.faults = {partitions}}), Gate::passes);
  EXPECT_EQ(judge_gate(before, {.faults = {partitions}}), Gate::waits);
  EXPECT_EQ(judge_gate(broken, {.faults = {partitions}, .loam_partition = false}), Gate::waits);
  EXPECT_EQ(judge_gate(broken, {.faults = {partitions, {"Network", "ProbeFailed"}}}), Gate::rack);
}

TEST(NodeBefore, ComesBackAsItWas) {
  const testing::TempDir folder;
  const auto path = folder.path() / "before.json";
  EXPECT_EQ(read_node_before(path), NodeBefore{});
  ASSERT_TRUE(write_file_atomic(path, to_json(before)));
  EXPECT_EQ(read_node_before(path), before);
  for (const auto* const bad : {"", "[]", "{}", R"({"disks": 3, "state_partition": true})"}) {
    ASSERT_TRUE(write_file_atomic(path, bad));
    EXPECT_EQ(read_node_before(path), NodeBefore{}) << bad;
  }
}

}  // namespace
}  // namespace loam::slots
