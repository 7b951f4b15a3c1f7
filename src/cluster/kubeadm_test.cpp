#include "cluster/kubeadm.hpp"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "base/text.hpp"

namespace loam::cluster {
namespace {

using nlohmann::json;

model::Cluster rack() {
  model::Cluster cluster;
  cluster.name = *model::Hostname::parse("rack");
  cluster.vip = *model::IpPrefix::parse("192.0.2.5/24");
  return cluster;
}

const NodeFacts node{.name = "node-1", .address = "192.0.2.10", .memory = std::uint64_t{8} << 30U, .processors = 4};
const Payload payload{
    .kubernetes = "1.34.4", .etcd_tag = "3.6.16-0", .coredns_tag = "v1.14.3", .flannel = "flannel:v1"};

// By kind.
std::map<std::string, json> documents(const std::string& text) {
  std::map<std::string, json> all;
  std::size_t at = 0;
  for (std::size_t end = 0; end != text.npos; at = end + 5) {
    end = text.find("\n---\n", at);
    auto one = json::parse(text.substr(at, end == text.npos ? end : end - at));
    const auto kind = one["kind"].get<std::string>();
    all.emplace(kind, std::move(one));
  }
  return all;
}

TEST(Kubeadm, FoundsWithTheNameOfTheApiAndNotItsAddress) {
  const auto all = documents(founding_config(rack(), node, payload));
  ASSERT_EQ(all.size(), 4U);
  const auto& cluster = all.at("ClusterConfiguration");
  EXPECT_EQ(cluster["controlPlaneEndpoint"], "api.rack:6443");
  EXPECT_EQ(cluster["kubernetesVersion"], "v1.34.4");
  EXPECT_EQ(cluster["etcd"]["local"]["imageTag"], "3.6.16-0");
  EXPECT_EQ(cluster["dns"]["imageTag"], "v1.14.3");
  EXPECT_EQ(cluster["apiServer"]["certSANs"], json({"api.rack", "localhost", "127.0.0.1", "192.0.2.5"}));
  EXPECT_EQ(cluster["networking"]["podSubnet"], "10.244.0.0/16");
}

TEST(Kubeadm, GivesOutNoTokenWhenItFounds) {
  const auto all = documents(founding_config(rack(), node, payload));
  const auto& init = all.at("InitConfiguration");
  EXPECT_TRUE(init["bootstrapTokens"].is_array() && init["bootstrapTokens"].empty());
  EXPECT_EQ(init["localAPIEndpoint"]["advertiseAddress"], "192.0.2.10");
  EXPECT_EQ(init["nodeRegistration"]["name"], "node-1");
}

TEST(Kubeadm, OnlyAWitnessTakesNoWorkloads) {
  auto cluster = rack();
  EXPECT_TRUE(
      documents(founding_config(cluster, node, payload))["InitConfiguration"]["nodeRegistration"]["taints"].empty());
  cluster.role = model::NodeRole::witness;
  const auto taints =
      documents(founding_config(cluster, node, payload))["InitConfiguration"]["nodeRegistration"]["taints"];
  EXPECT_EQ(taints, json::array({{{"key", "loam.dev/witness"}, {"effect", "NoSchedule"}}}));
}

TEST(Kubeadm, WritesNothingBelowUsr) {
  const auto text = founding_config(rack(), node, payload);
  EXPECT_FALSE(text.contains("/usr")) << text;
}

const Invitation invited{.cluster = "rack",
                         .role = model::NodeRole::worker,
                         .endpoint = "192.0.2.5:6443",
                         .pin = "sha256:" + std::string(64, 'a'),
                         .token = "abcdef.0123456789abcdef",
                         .certificate_key = std::string(64, 'b'),
                         .encryption_key = ""};

TEST(Kubeadm, JoinsOnlyWhomThePinProves) {
  auto cluster = rack();
  cluster.role = model::NodeRole::worker;
  const auto join = documents(joining_config(cluster, node, invited)).at("JoinConfiguration");
  const auto& discovery = join["discovery"]["bootstrapToken"];
  EXPECT_EQ(discovery["caCertHashes"], json::array({invited.pin}));
  EXPECT_EQ(discovery["apiServerEndpoint"], "192.0.2.5:6443");
  EXPECT_FALSE(discovery.contains("unsafeSkipCAVerification"));
  EXPECT_FALSE(join.contains("controlPlane"));
}

TEST(Kubeadm, AControlPlaneFetchesTheCertificates) {
  const auto join = documents(joining_config(rack(), node, invited)).at("JoinConfiguration");
  EXPECT_EQ(join["controlPlane"]["certificateKey"], std::string(64, 'b'));
  EXPECT_EQ(join["controlPlane"]["localAPIEndpoint"]["advertiseAddress"], "192.0.2.10");
}

TEST(Kubeadm, SecretsAreEncryptedAndInNoAuditLog) {
  const auto encryption = json::parse(encryption_config("a2V5"));
  EXPECT_EQ(encryption["resources"][0]["resources"], json({"secrets"}));
  EXPECT_EQ(encryption["resources"][0]["providers"][0]["secretbox"]["keys"][0]["secret"], "a2V5");
  const auto audit = json::parse(audit_policy());
  for (const auto& rule : audit["rules"]) EXPECT_TRUE(rule["level"] == "None" || rule["level"] == "Metadata") << rule;
}

TEST(Kubeadm, KnowsWhatAReleaseCarries) {
  const auto read = parse_payload(R"({"versions": {"kubernetes": "1.34.4"}, "images": {
    "registry.k8s.io/etcd:3.6.16-0": "sha256:1", "registry.k8s.io/coredns/coredns:v1.14.3": "sha256:2",
    "ghcr.io/flannel-io/flannel:v0.28.1": "sha256:3"}})");
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(*read, (Payload{.kubernetes = "1.34.4",
                            .etcd_tag = "3.6.16-0",
                            .coredns_tag = "v1.14.3",
                            .flannel = "ghcr.io/flannel-io/flannel:v0.28.1"}));
  for (const auto* const bad : {"", "[]", "{}", R"({"versions": {"kubernetes": 1}, "images": {}})",
                                R"({"versions": {"kubernetes": "1.34.4"}, "images": {"registry.k8s.io/etcd:3": ""}})"})
    EXPECT_FALSE(parse_payload(bad)) << bad;
}

}  // namespace
}  // namespace loam::cluster
