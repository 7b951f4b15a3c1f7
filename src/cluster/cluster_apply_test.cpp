#include "cluster/cluster_apply.hpp"

#include <gtest/gtest.h>

namespace loam::cluster {
namespace {

TEST(ClusterApply, SaysWhyANodeIsNotReady) {
  EXPECT_EQ(why_not_ready(R"({"status": {"conditions": [{"type": "Ready", "status": "True"}]}})"), "");
  EXPECT_EQ(why_not_ready(R"({"status": {"conditions": [{"type": "MemoryPressure", "status": "False"},
    {"type": "Ready", "status": "False", "message": "container runtime network not ready"}]}})"),
            "container runtime network not ready");
  EXPECT_EQ(why_not_ready(R"({"status": {"conditions": []}})"), "the kubelet has not said yet how it is");
  EXPECT_FALSE(why_not_ready("{}"));
  EXPECT_FALSE(why_not_ready("no JSON"));
}

}  // namespace
}  // namespace loam::cluster
