#include "cluster/cluster_state.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "testing/temp_dir.hpp"

namespace loam::cluster {
namespace {

TEST(ClusterState, IsReadAsItWasWritten) {
  const testing::TempDir folder;
  const StatePaths paths{.node = folder.path() / "cluster.json", .images = folder.path() / "images"};
  const auto nothing = read_state(paths);
  ASSERT_TRUE(nothing);
  EXPECT_TRUE(nothing->member_of.empty() && nothing->imported.empty());
  ASSERT_TRUE(write_state(
      {.member_of = "rack", .address = "192.0.2.10", .imported = "sha256:1", .network_applied = "sha256:2"}, paths));
  const auto read = read_state(paths);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->member_of, "rack");
  EXPECT_EQ(read->address, "192.0.2.10");
  EXPECT_EQ(read->imported, "sha256:1");
  EXPECT_EQ(read->network_applied, "sha256:2");
}

// Taken for "in no cluster", the node would found another one over it.
TEST(ClusterState, WhatCannotBeReadIsNotTakenForNothing) {
  const testing::TempDir folder;
  const StatePaths paths{.node = folder.path() / "cluster.json", .images = folder.path() / "images"};
  for (const auto* const bad : {"", "{", "[]", "{}", R"({"member_of": 1})"}) {
    ASSERT_TRUE(write_file_atomic(paths.node, bad));
    EXPECT_FALSE(read_state(paths)) << bad;
  }
}

TEST(ClusterState, AReleaseMayCarryNothing) {
  const testing::TempDir folder;
  const auto path = folder.path() / "payload.json";
  const auto none = read_carried(path);
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
  const std::string text = R"({"versions": {"kubernetes": "1.34.4"}, "images": {"registry.k8s.io/etcd:3": "sha256:1",
    "registry.k8s.io/coredns/coredns:v1": "sha256:2", "ghcr.io/flannel-io/flannel:v0": "sha256:3"}})";
  ASSERT_TRUE(write_file_atomic(path, text));
  const auto some = read_carried(path);
  ASSERT_TRUE(some && *some);
  ASSERT_TRUE(write_file_atomic(path, text + "\n"));
  const auto other = read_carried(path);
  ASSERT_TRUE(other && *other);
  EXPECT_NE((*some)->digest, (*other)->digest);
}

}  // namespace
}  // namespace loam::cluster
