#include "cluster/machine_access.hpp"

#include <nlohmann/json.hpp>
#include <string>

namespace loam::cluster {

using nlohmann::json;

namespace {

constexpr const char* role_name = "loam:machines-of-nodes";
constexpr const char* policy_name = "loam-machine-of-its-node";
constexpr const char* nodes = "system:nodes";  // the group of all kubelets

json rule(json resources, json verbs) {
  return {{"apiGroups", json::array({"loam.dev"})}, {"resources", std::move(resources)}, {"verbs", std::move(verbs)}};
}

// What a node must not change of its Machine's metadata: finalizers and owners would keep or delete it.
std::string same(const std::string& field, const std::string& nothing) {
  return "object.metadata.?" + field + ".orValue(" + nothing + ") == variables.before.?metadata." + field +
         ".orValue(" + nothing + ")";
}

json validations() {
  const std::string metadata = same("labels", "{}") + " && " + same("annotations", "{}") + " && " +
                               same("finalizers", "[]") + " && " + same("ownerReferences", "[]");
  return json::array(
      {{{"expression", "request.userInfo.username == 'system:node:' + object.metadata.name"},
        {"messageExpression",
         "request.userInfo.username + ' may write the Machine of its own node only, not ' + "
         "object.metadata.name"},
        {"message", "a node may write the Machine of its own node only"},
        {"reason", "Forbidden"}},
       {{"expression", "object.?spec.orValue({}) == variables.before.?spec.orValue({})"},
        {"message", "a node makes its Machine with an empty spec, and writes nothing of it but its status"},
        {"reason", "Forbidden"}},
       {{"expression", metadata},
        {"message", "a node writes no labels, annotations, finalizers and owners of its Machine"},
        {"reason", "Forbidden"}}});
}

}  // namespace

json machine_role() {
  return {{"apiVersion", "rbac.authorization.k8s.io/v1"},
          {"kind", "ClusterRole"},
          {"metadata", {{"name", role_name}}},
          {"rules", json::array({rule(json::array({"machines"}), {"get", "list", "watch", "create", "patch"}),
                                 rule(json::array({"machines/status"}), json::array({"patch"}))})}};
}

json machine_role_binding() {
  const json group = {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Group"}, {"name", nodes}};
  return {{"apiVersion", "rbac.authorization.k8s.io/v1"},
          {"kind", "ClusterRoleBinding"},
          {"metadata", {{"name", role_name}}},
          {"roleRef", {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "ClusterRole"}, {"name", role_name}}},
          {"subjects", json::array({group})}};
}

json machine_policy() {
  const json writes = {{"apiGroups", json::array({"loam.dev"})},
                       {"apiVersions", json::array({"*"})},
                       {"operations", {"CREATE", "UPDATE"}},
                       {"resources", {"machines", "machines/status"}}};
  const json of_nodes = {{"name", "written-by-a-node"}, {"expression", "'system:nodes' in request.userInfo.groups"}};
  const json before = {{"name", "before"}, {"expression", "oldObject == null ? {} : oldObject"}};
  return {{"apiVersion", "admissionregistration.k8s.io/v1"},
          {"kind", "ValidatingAdmissionPolicy"},
          {"metadata", {{"name", policy_name}}},
          {"spec",
           {{"failurePolicy", "Fail"},
            {"matchConstraints", {{"resourceRules", json::array({writes})}}},
            {"matchConditions", json::array({of_nodes})},
            {"variables", json::array({before})},
            {"validations", validations()}}}};
}

json machine_policy_binding() {
  return {{"apiVersion", "admissionregistration.k8s.io/v1"},
          {"kind", "ValidatingAdmissionPolicyBinding"},
          {"metadata", {{"name", policy_name}}},
          {"spec", {{"policyName", policy_name}, {"validationActions", json::array({"Deny"})}}}};
}

}  // namespace loam::cluster
