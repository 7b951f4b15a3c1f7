#include "cluster/cluster_plan.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cluster/invitation.hpp"
#include "model/parse.hpp"

namespace loam::cluster {
namespace {

constexpr const char* with_vip = R"(version: 1
hostname: node-1
cluster: {name: rack, vip: 192.0.2.5/24}
network:
  nics: [{name: nic0, match: {mac: "52:54:00:00:10:01"}}]
  interfaces: [{link: nic0, roles: [management, cluster], addresses: [192.0.2.10/24]}]
)";

const Carried carried{
    .payload = {.kubernetes = "1.34.4", .etcd_tag = "3.6.16-0", .coredns_tag = "v1.14.3", .flannel = "flannel:v1"},
    .digest = "sha256:1"};

model::Config config(std::string text) {
  auto parsed = model::parse_config(text, "loam.yaml");
  EXPECT_TRUE(parsed) << parsed.error().text();
  return parsed.value_or(model::Config{});
}

std::vector<std::string> kinds(const Result<plan::Plan>& plan) {
  std::vector<std::string> all;
  EXPECT_TRUE(plan) << plan.error().text();
  if (plan)
    for (const auto& action : plan->actions) all.push_back(action.kind);
  return all;
}

constexpr std::int64_t now = 1'800'000'000;

using Kinds = std::vector<std::string>;

TEST(ClusterPlan, FoundsOnceAndStartsAfterwards) {
  const auto wanted = config(with_vip);
  EXPECT_EQ(kinds(plan_cluster(wanted, {}, carried, now)),
            (Kinds{"import-images", "write-settings", "hold-address", "found", "apply-network", "connect-pods",
                   "await-ready"}));
  const ClusterFacts done{
      .member_of = "rack", .address = "192.0.2.10", .imported = "sha256:1", .network_applied = "sha256:1"};
  EXPECT_EQ(kinds(plan_cluster(wanted, done, carried, now)),
            (Kinds{"write-settings", "hold-address", "start", "connect-pods", "await-ready"}));
}

TEST(ClusterPlan, ANewReleaseBringsItsImagesAndItsNetwork) {
  const ClusterFacts older{
      .member_of = "rack", .address = "192.0.2.10", .imported = "sha256:0", .network_applied = "sha256:0"};
  EXPECT_EQ(kinds(plan_cluster(config(with_vip), older, carried, now)),
            (Kinds{"import-images", "write-settings", "hold-address", "start", "apply-network", "connect-pods",
                   "await-ready"}));
}

TEST(ClusterPlan, ANodeThatWasCutOffAfterItFoundedStillAppliesTheNetwork) {
  const ClusterFacts cut{
      .member_of = "rack", .address = "192.0.2.10", .imported = "sha256:1", .network_applied = network_owed};
  EXPECT_EQ(kinds(plan_cluster(config(with_vip), cut, carried, now)),
            (Kinds{"write-settings", "hold-address", "start", "apply-network", "connect-pods", "await-ready"}));
}

TEST(ClusterPlan, WithoutAVirtualAddressNoneIsHeld) {
  const auto wanted = config(
      "version: 1\ncluster: {name: rack}\nnetwork:\n  interfaces: [{link: nic0, roles: [cluster], dhcp4: true}]\n  "
      "nics: [{name: nic0, match: {mac: \"52:54:00:00:10:01\"}}]\n");
  EXPECT_EQ(kinds(plan_cluster(wanted, {}, carried, now)),
            (Kinds{"import-images", "write-settings", "found", "apply-network", "connect-pods", "await-ready"}));
}

TEST(ClusterPlan, ANodeThatStandsAloneHasNothingToDo) {
  EXPECT_TRUE(kinds(plan_cluster(config("version: 1\n"), {}, carried, now)).empty());
}

TEST(ClusterPlan, ANodeLeavesNoClusterByLosingALine) {
  const ClusterFacts member{.member_of = "rack", .address = "192.0.2.10", .imported = "", .network_applied = ""};
  EXPECT_FALSE(plan_cluster(config("version: 1\n"), member, carried, now));
  auto renamed = config(with_vip);
  renamed.cluster->name = *model::Hostname::parse("other");
  const auto refused = plan_cluster(renamed, member, carried, now);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().text().contains("is in the cluster rack")) << refused.error().text();
}

TEST(ClusterPlan, AWorkerFoundsNothing) {
  auto wanted = config(with_vip);
  wanted.cluster->role = model::NodeRole::worker;
  EXPECT_FALSE(plan_cluster(wanted, {}, carried, now));
}

std::string joining(const Invitation& invitation, const std::string& role) {
  return "version: 1\ncluster: {name: rack, role: " + role + ", join_string: " + to_join_string(invitation) + "}\n";
}

const Invitation invited{.cluster = "rack",
                         .role = model::NodeRole::worker,
                         .endpoint = "192.0.2.5:6443",
                         .pin = "sha256:" + std::string(64, 'a'),
                         .token = "abcdef.0123456789abcdef",
                         .certificate_key = "",
                         .encryption_key = "",
                         .until = now + 60};

TEST(ClusterPlan, JoinsByAnInvitationAndMakesNoNetwork) {
  EXPECT_EQ(kinds(plan_cluster(config(joining(invited, "worker")), {}, carried, now)),
            (Kinds{"import-images", "write-settings", "join", "connect-pods", "await-ready"}));
}

TEST(ClusterPlan, EachReasonNotToJoinHasItsSentence) {
  const auto said = [&](const Invitation& invitation, const std::string& role) {
    const auto plan = plan_cluster(config(joining(invitation, role)), {}, carried, now);
    return plan ? "it joins" : plan.error().text();
  };
  EXPECT_TRUE(said(invited, "control-plane").contains("it is for a worker, and cluster.role is control-plane"));
  auto other = invited;
  other.cluster = "other";
  EXPECT_TRUE(said(other, "worker").contains("it is for the cluster other, and cluster.name is rack"));
  auto late = invited;
  late.until = now - 90;
  EXPECT_TRUE(said(late, "worker").contains("its time was over 1 min 30 s ago by this node's clock"))
      << said(late, "worker");
  const auto none =
      plan_cluster(config("version: 1\ncluster: {name: rack, role: worker, join: [192.0.2.11]}\n"), {}, carried, now);
  ASSERT_FALSE(none);
  EXPECT_TRUE(none.error().text().contains("has no join string"));
}

// The string is for once: what it said does not matter any more.
TEST(ClusterPlan, AMemberNeedsNoInvitation) {
  const ClusterFacts member{
      .member_of = "rack", .address = "192.0.2.10", .imported = "sha256:1", .network_applied = ""};
  auto late = invited;
  late.until = 0;
  EXPECT_EQ(kinds(plan_cluster(config(joining(late, "worker")), member, carried, now)),
            (Kinds{"write-settings", "start", "connect-pods", "await-ready"}));
}

TEST(ClusterPlan, AControlPlaneKeepsItsAddress) {
  const ClusterFacts member{.member_of = "rack", .address = "192.0.2.10", .imported = "", .network_applied = ""};
  EXPECT_TRUE(check_address(config(with_vip), member, {.name = "node-1", .address = "192.0.2.10"}));
  EXPECT_FALSE(check_address(config(with_vip), member, {.name = "node-1", .address = "192.0.2.11"}));
  EXPECT_TRUE(check_address(config(with_vip), {}, {.name = "node-1", .address = "192.0.2.11"}))
      << "it is in no cluster yet";
}

TEST(ClusterPlan, TheAddressIsHeldWhereTheClusterIs) {
  const auto held = virtual_address(config(with_vip), {.name = "node-1", .address = "192.0.2.10"});
  ASSERT_TRUE(held && *held);
  EXPECT_EQ((*held)->link, "nic0");
  EXPECT_EQ((*held)->own, "192.0.2.10");
}

}  // namespace
}  // namespace loam::cluster
