#include "cluster/kube_resource.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace loam::cluster {
namespace {

using nlohmann::json;

TEST(KubeResource, HasAPath) {
  EXPECT_EQ(path_of({.api = "v1", .plural = "nodes", .space = ""}), "/api/v1/nodes");
  EXPECT_EQ(path_of({.api = "apps/v1", .plural = "deployments", .space = "kube-system"}, "dns", "status"),
            "/apis/apps/v1/namespaces/kube-system/deployments/dns/status");
  EXPECT_EQ(path_of({.api = "rbac.authorization.k8s.io/v1", .plural = "clusterroles", .space = ""}, "loam:a/../b"),
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/loam%3Aa%2F..%2Fb");
}

TEST(KubeResource, HasAQuery) {
  EXPECT_EQ(query_of({}), "");
  EXPECT_EQ(query_of({{"limit", "5"}, {"continue", ""}, {"labelSelector", "a=b,c"}}),
            "?limit=5&labelSelector=a%3Db%2Cc");
}

const json discovery = {
    {"resources",
     {{{"name", "pods/status"}, {"kind", "Pod"}, {"namespaced", true}},
      {{"name", "pods"}, {"kind", "Pod"}, {"namespaced", true}},
      {{"name", "nodes"}, {"kind", "Node"}, {"namespaced", false}}}},
};

json object(const char* kind, const char* space) {
  json made = {{"apiVersion", "v1"}, {"kind", kind}, {"metadata", {{"name", "x"}}}};
  if (space != nullptr) made["metadata"]["namespace"] = space;
  return made;
}

TEST(KubeResource, IsFoundByItsKind) {
  const auto pod = find_resource(discovery, object("Pod", "a"));
  ASSERT_TRUE(pod);
  EXPECT_EQ(*pod, (Resource{.api = "v1", .plural = "pods", .space = "a"}));
  const auto node = find_resource(discovery, object("Node", "a"));
  ASSERT_TRUE(node);
  EXPECT_EQ(node->space, "") << "a node is in no namespace, whatever it says";
  const auto nowhere = find_resource(discovery, object("Pod", nullptr));
  ASSERT_FALSE(nowhere);
  EXPECT_TRUE(nowhere.error().text().contains("Pod x names no namespace"));
  const auto unknown = find_resource(discovery, object("Machine", nullptr));
  ASSERT_FALSE(unknown);
  EXPECT_TRUE(unknown.error().text().contains("serves no Machine of v1"));
}

TEST(KubeResource, TakesWhateverTheApiSays) {
  for (const auto* const text : {"[]", "{}", R"({"resources": 3})", R"({"resources": [3, {"name": 1}]})", "null"})
    EXPECT_FALSE(find_resource(json::parse(text), object("Pod", "a"))) << text;
  EXPECT_EQ(describe(object("ConfigMap", "kube-system")), "ConfigMap kube-system/x");
  EXPECT_EQ(name_of(json::array()), "");
}

}  // namespace
}  // namespace loam::cluster
