#include "cluster/flannel.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace loam::cluster {
namespace {

using nlohmann::json;

model::Cluster rack(const char* pods) {
  model::Cluster cluster;
  cluster.name = *model::Hostname::parse("rack");
  cluster.pod_network = *model::IpPrefix::parse(pods);
  return cluster;
}

json item(const json& list, const char* kind) {
  for (const auto& one : list["items"])
    if (one["kind"] == kind) return one;
  return {};
}

TEST(Flannel, CarriesThePodsOfThisCluster) {
  const auto list = json::parse(flannel_manifest(rack("10.9.0.0/16"), "flannel:v1"));
  const auto net = json::parse(item(list, "ConfigMap")["data"]["net-conf.json"].get<std::string>());
  EXPECT_EQ(net["Network"], "10.9.0.0/16");
  const auto pod = item(list, "DaemonSet")["spec"]["template"]["spec"];
  EXPECT_EQ(pod["containers"][0]["image"], "flannel:v1");
  EXPECT_EQ(pod["tolerations"], json::array({{{"operator", "Exists"}}}));
}

TEST(Flannel, IsNotPrivileged) {
  const auto list = json::parse(flannel_manifest(rack("10.9.0.0/16"), "flannel:v1"));
  const auto context = item(list, "DaemonSet")["spec"]["template"]["spec"]["containers"][0]["securityContext"];
  EXPECT_EQ(context["privileged"], false);
  EXPECT_EQ(context["capabilities"]["add"], json({"NET_ADMIN", "NET_RAW"}));
}

TEST(Flannel, KnowsIpv6) {
  const auto list = json::parse(flannel_manifest(rack("fd00:9::/56"), "flannel:v1"));
  const auto net = json::parse(item(list, "ConfigMap")["data"]["net-conf.json"].get<std::string>());
  EXPECT_EQ(net["IPv6Network"], "fd00:9::/56");
  EXPECT_EQ(net["EnableIPv4"], false);
  EXPECT_FALSE(net.contains("Network"));
}

TEST(Cni, GivesPodsTheAddressesOfThisNode) {
  const auto config = json::parse(cni_config("10.9.3.0/24"));
  const auto& bridge = config["plugins"][0];
  EXPECT_EQ(bridge["ipam"]["ranges"], json::array({json::array({{{"subnet", "10.9.3.0/24"}}})}));
  EXPECT_EQ(bridge["mtu"], 1450);
  EXPECT_EQ(config["plugins"][1]["type"], "portmap");
}

TEST(Cni, WaitsForTheAddressesOfThisNode) {
  EXPECT_EQ(pod_range_of(R"({"spec": {"podCIDR": "10.9.3.0/24"}})"), "10.9.3.0/24");
  EXPECT_EQ(pod_range_of(R"({"spec": {}})"), "");
  EXPECT_FALSE(pod_range_of(""));
}

}  // namespace
}  // namespace loam::cluster
