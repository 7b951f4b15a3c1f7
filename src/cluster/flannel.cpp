#include "cluster/flannel.hpp"

#include <format>
#include <nlohmann/json.hpp>
#include <utility>

namespace loam::cluster {

using nlohmann::json;

namespace {

constexpr std::string_view name = "flannel";
constexpr std::string_view name_space = "kube-flannel";

json metadata() { return {{"name", name}, {"namespace", name_space}}; }

json space() {
  return {{"apiVersion", "v1"},
          {"kind", "Namespace"},
          {"metadata", {{"name", name_space}, {"labels", {{"pod-security.kubernetes.io/enforce", "privileged"}}}}}};
}

json account() { return {{"apiVersion", "v1"}, {"kind", "ServiceAccount"}, {"metadata", metadata()}}; }

json role() {
  const auto rule = [](const char* resource, json verbs) {
    return json{{"apiGroups", json::array({""})}, {"resources", json::array({resource})}, {"verbs", std::move(verbs)}};
  };
  return {{"apiVersion", "rbac.authorization.k8s.io/v1"},
          {"kind", "ClusterRole"},
          {"metadata", {{"name", name}}},
          {"rules", json::array({rule("pods", {"get"}), rule("nodes", {"get", "list", "watch"}),
                                 rule("nodes/status", json::array({"patch"}))})}};
}

json binding() {
  const json subject = {{"kind", "ServiceAccount"}, {"name", name}, {"namespace", name_space}};
  return {{"apiVersion", "rbac.authorization.k8s.io/v1"},
          {"kind", "ClusterRoleBinding"},
          {"metadata", {{"name", name}}},
          {"roleRef", {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "ClusterRole"}, {"name", name}}},
          {"subjects", json::array({subject})}};
}

json settings(const model::Cluster& cluster) {
  const auto range = cluster.pod_network.str();
  const bool v6 = range.contains(':');
  json net = {{"Backend", {{"Type", "vxlan"}}}, {"EnableNFTables", true}};
  if (v6) {
    net["EnableIPv4"] = false;
    net["EnableIPv6"] = true;
    net["IPv6Network"] = range;
  } else {
    net["Network"] = range;
  }
  return {
      {"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", metadata()}, {"data", {{"net-conf.json", net.dump()}}}};
}

json field(const char* variable, const char* path) {
  return {{"name", variable}, {"valueFrom", {{"fieldRef", {{"fieldPath", path}}}}}};
}

json container(const std::string& image) {
  const json privileges = {{"privileged", false}, {"capabilities", {{"add", {"NET_ADMIN", "NET_RAW"}}}}};
  const json mounts = json::array(
      {{{"name", "run"}, {"mountPath", "/run/flannel"}}, {{"name", "settings"}, {"mountPath", "/etc/kube-flannel"}}});
  // Over the interface by which the others know this node.
  const json arguments = {"--ip-masq", "--kube-subnet-mgr", "--iface=$(NODE_ADDRESS)"};
  return {{"name", name},
          {"image", image},
          {"args", arguments},
          {"env", json::array({field("POD_NAME", "metadata.name"), field("POD_NAMESPACE", "metadata.namespace"),
                               field("NODE_ADDRESS", "status.hostIP")})},
          {"resources", {{"requests", {{"cpu", "50m"}, {"memory", "50Mi"}}}}},
          {"securityContext", privileges},
          {"volumeMounts", mounts}};
}

json daemons(const std::string& image) {
  const json labels = {{"app", name}};
  const json volumes =
      json::array({{{"name", "run"}, {"hostPath", {{"path", "/run/flannel"}, {"type", "DirectoryOrCreate"}}}},
                   {{"name", "settings"}, {"configMap", {{"name", name}}}}});
  const json everywhere = json::array({{{"operator", "Exists"}}});
  return {{"apiVersion", "apps/v1"},
          {"kind", "DaemonSet"},
          {"metadata", metadata()},
          {"spec",
           {{"selector", {{"matchLabels", labels}}},
            {"template",
             {{"metadata", {{"labels", labels}}},
              {"spec",
               {{"hostNetwork", true},
                {"priorityClassName", "system-node-critical"},
                {"serviceAccountName", name},
                {"tolerations", everywhere},
                {"containers", json::array({container(image)})},
                {"volumes", volumes}}}}}}}};
}

}  // namespace

std::string flannel_manifest(const model::Cluster& cluster, const std::string& image) {
  return json{{"apiVersion", "v1"},
              {"kind", "List"},
              {"items", json::array({space(), account(), role(), binding(), settings(cluster), daemons(image)})}}
      .dump(1);
}

std::string cni_config(std::string_view pod_range) {
  const bool v6 = pod_range.contains(':');
  const json ranges = json::array({json::array({{{"subnet", pod_range}}})});
  const json routes = json::array({{{"dst", v6 ? "::/0" : "0.0.0.0/0"}}});
  // VXLAN takes 50 bytes of a frame, 70 over IPv6.
  const json bridge = {
      {"type", "bridge"},        {"bridge", "cni0"},
      {"isGateway", true},       {"isDefaultGateway", true},
      {"ipMasq", false},         {"hairpinMode", true},
      {"mtu", v6 ? 1430 : 1450}, {"ipam", {{"type", "host-local"}, {"ranges", ranges}, {"routes", routes}}}};
  const json ports = {{"type", "portmap"}, {"capabilities", {{"portMappings", true}}}};
  return json{{"cniVersion", "1.0.0"}, {"name", "loam"}, {"plugins", json::array({bridge, ports})}}.dump(1) + "\n";
}

Result<std::string> pod_range_of(std::string_view node_json) {
  const auto node = json::parse(node_json, nullptr, false);
  try {
    return node.at("spec").value("podCIDR", "");
  } catch (const json::exception& problem) {
    return fail(std::format("what the API says of this node cannot be read: {}", problem.what()));
  }
}

}  // namespace loam::cluster
