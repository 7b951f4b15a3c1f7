#include "cluster/kubeadm.hpp"

#include <format>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/prefix.hpp"

namespace loam::cluster {

using nlohmann::json;

namespace {

constexpr std::string_view kubeadm_api = "kubeadm.k8s.io/v1beta4";

// kubeadm's own limits are minutes; a machine with cold disks is no reason to give up. Every wait still ends.
json timeouts() {
  return {{"controlPlaneComponentHealthCheck", "15m"},
          {"kubeletHealthCheck", "10m"},
          {"kubernetesAPICall", "5m"},
          {"etcdAPICall", "5m"},
          {"tlsBootstrap", "10m"},
          {"discovery", "5m"}};
}

json arguments(std::initializer_list<std::pair<std::string, std::string>> list) {
  auto all = json::array();
  for (const auto& [name, value] : list) all.push_back({{"name", name}, {"value", value}});
  return all;
}

json mounted(std::string_view name, std::string_view path, std::string_view type, bool read_only) {
  return {{"name", name}, {"hostPath", path}, {"mountPath", path}, {"pathType", type}, {"readOnly", read_only}};
}

json registration(const model::Cluster& cluster, const NodeFacts& node) {
  json taints = json::array();  // but for a witness, a control plane carries workloads
  if (cluster.role == model::NodeRole::witness)
    taints.push_back({{"key", "loam.dev/witness"}, {"effect", "NoSchedule"}});
  return {{"name", node.name},
          {"criSocket", "unix:///run/containerd/containerd.sock"},
          {"taints", std::move(taints)},
          {"imagePullPolicy", "IfNotPresent"},
          {"kubeletExtraArgs", arguments({{"node-ip", node.address}})}};
}

json init_document(const model::Cluster& cluster, const NodeFacts& node) {
  return {{"apiVersion", kubeadm_api},
          {"kind", "InitConfiguration"},
          // Who joins gets a token of its own, when somebody lets it.
          {"bootstrapTokens", json::array()},
          {"localAPIEndpoint", {{"advertiseAddress", node.address}, {"bindPort", api_port}}},
          {"nodeRegistration", registration(cluster, node)},
          {"patches", {{"directory", patches_folder}}},
          {"timeouts", timeouts()}};
}

json api_server(const model::Cluster& cluster) {
  auto names = json::array({api_name(cluster), "localhost", "127.0.0.1"});
  if (cluster.vip) names.push_back(without_prefix(cluster.vip->str()));
  return {{"certSANs", std::move(names)},
          {"extraArgs", arguments({{"encryption-provider-config", std::string(encryption_path)},
                                   {"audit-policy-file", std::string(audit_policy_path)},
                                   {"audit-log-path", std::format("{}/audit.log", audit_log_folder)},
                                   {"audit-log-maxage", "30"},
                                   {"audit-log-maxbackup", "5"},
                                   {"audit-log-maxsize", "100"}})},
          {"extraVolumes", json::array({mounted("encryption", encryption_path, "File", true),
                                        mounted("audit-policy", audit_policy_path, "File", true),
                                        mounted("audit-log", audit_log_folder, "DirectoryOrCreate", false)})}};
}

json join_document(const model::Cluster& cluster, const NodeFacts& node, const Invitation& invitation) {
  json document = {{"apiVersion", kubeadm_api},
                   {"kind", "JoinConfiguration"},
                   {"discovery",
                    {{"bootstrapToken",
                      {{"token", invitation.token},
                       {"apiServerEndpoint", invitation.endpoint},
                       {"caCertHashes", json::array({invitation.pin})}}},
                     {"tlsBootstrapToken", invitation.token}}},
                   {"nodeRegistration", registration(cluster, node)},
                   {"patches", {{"directory", patches_folder}}},
                   {"timeouts", timeouts()}};
  if (cluster.role != model::NodeRole::worker)
    document["controlPlane"] = {{"localAPIEndpoint", {{"advertiseAddress", node.address}, {"bindPort", api_port}}},
                                {"certificateKey", invitation.certificate_key}};
  return document;
}

// etcd on a busy disk answers late now and then. With Kubernetes' own 10 s the leader then gives up and starts anew,
// which is most of what such a disk need not do; a leader that is gone is replaced within a minute.
json patient_leader(std::initializer_list<std::pair<std::string, std::string>> more) {
  auto all = arguments({{"leader-elect-lease-duration", "60s"},
                        {"leader-elect-renew-deadline", "40s"},
                        {"leader-elect-retry-period", "5s"}});
  for (const auto& one : arguments(more)) all.push_back(one);
  return {{"extraArgs", std::move(all)}};
}

json cluster_document(const model::Cluster& cluster, const Payload& payload) {
  return {{"apiVersion", kubeadm_api},
          {"kind", "ClusterConfiguration"},
          {"kubernetesVersion", "v" + payload.kubernetes},
          {"clusterName", cluster.name.str()},
          {"controlPlaneEndpoint", std::format("{}:{}", api_name(cluster), api_port)},
          {"encryptionAlgorithm", "ECDSA-P256"},
          {"networking",
           {{"podSubnet", cluster.pod_network.str()},
            {"serviceSubnet", cluster.service_network.str()},
            {"dnsDomain", "cluster.local"}}},
          {"apiServer", api_server(cluster)},
          // The default lies below /usr, which is read-only.
          {"controllerManager", patient_leader({{"flex-volume-plugin-dir", "/var/lib/kubelet/volume-plugins"}})},
          {"scheduler", patient_leader({})},
          {"etcd", {{"local", {{"dataDir", "/var/lib/etcd"}, {"imageTag", payload.etcd_tag}}}}},
          {"dns", {{"imageTag", payload.coredns_tag}}}};
}

json proxy_document() {
  return {{"apiVersion", "kubeproxy.config.k8s.io/v1alpha1"}, {"kind", "KubeProxyConfiguration"}, {"mode", "nftables"}};
}

}  // namespace

Result<Payload> parse_payload(std::string_view text) {
  const auto value = json::parse(text, nullptr, false);
  constexpr const char* remedy = "this image was built wrongly: ./dev payload makes what it carries anew";
  try {
    const auto& images = value.at("images");
    const auto image = [&](std::string_view name) {
      for (const auto& [known, digest] : images.items())
        if (known.starts_with(std::format("{}:", name))) return known;
      return std::string();
    };
    const auto tag = [&](std::string_view name) {
      const auto whole = image(name);
      return whole.empty() ? whole : whole.substr(name.size() + 1);
    };
    Payload payload{.kubernetes = value.at("versions").at("kubernetes"),
                    .etcd_tag = tag("registry.k8s.io/etcd"),
                    .coredns_tag = tag("registry.k8s.io/coredns/coredns"),
                    .flannel = image("ghcr.io/flannel-io/flannel")};
    if (payload.etcd_tag.empty() || payload.coredns_tag.empty() || payload.flannel.empty())
      return fail("what this release carries of Kubernetes lacks etcd, CoreDNS or flannel", remedy);
    return payload;
  } catch (const json::exception& problem) {
    return fail(std::format("what this release carries of Kubernetes cannot be read: {}", problem.what()), remedy);
  }
}

std::string api_name(const model::Cluster& cluster) { return "api." + cluster.name.str(); }

std::string founding_config(const model::Cluster& cluster, const NodeFacts& node, const Payload& payload,
                            const std::string& certificate_key) {
  auto init = init_document(cluster, node);
  if (!certificate_key.empty()) init["certificateKey"] = certificate_key;
  return init.dump(1) + "\n---\n" + cluster_document(cluster, payload).dump(1) + "\n---\n" + kubelet_config() +
         "\n---\n" + proxy_document().dump(1) + "\n";
}

std::string joining_config(const model::Cluster& cluster, const NodeFacts& node, const Invitation& invitation) {
  return join_document(cluster, node, invitation).dump(1) + "\n";
}

std::string audit_policy() {
  const json secrets = {{"level", "Metadata"},
                        {"resources", json::array({{{"group", ""}, {"resources", {"secrets"}}}})}};
  const json quiet = {{"level", "None"}, {"verbs", {"get", "list", "watch"}}};
  // Each component renews its own every few seconds.
  const json leases = {{"level", "None"},
                       {"resources", json::array({{{"group", "coordination.k8s.io"}, {"resources", {"leases"}}}})}};
  const json events = {{"level", "None"},
                       {"resources", json::array({{{"group", ""}, {"resources", {"events"}}},
                                                  {{"group", "events.k8s.io"}, {"resources", {"events"}}}})}};
  return json{{"apiVersion", "audit.k8s.io/v1"},
              {"kind", "Policy"},
              {"omitStages", {"RequestReceived"}},
              {"rules", json::array({secrets, quiet, leases, events, {{"level", "Metadata"}}})}}
             .dump(1) +
         "\n";
}

std::string encryption_config(std::string_view key) {
  const json secretbox = {{"secretbox", {{"keys", json::array({{{"name", "key1"}, {"secret", key}}})}}}};
  const json none = {{"identity", json::object()}};  // what was written before there was a key can be read
  return json{{"apiVersion", "apiserver.config.k8s.io/v1"},
              {"kind", "EncryptionConfiguration"},
              {"resources", json::array({{{"resources", {"secrets"}}, {"providers", json::array({secretbox, none})}}})}}
             .dump(1) +
         "\n";
}

}  // namespace loam::cluster
