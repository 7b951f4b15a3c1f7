// What kubeadm is told: documents of its configuration, v1beta4, as JSON between lines of "---", which is YAML. Pure.
// https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "cluster/invitation.hpp"
#include "cluster/kubelet.hpp"
#include "model/config.hpp"

namespace loam::cluster {

// What a release carries, as its payload.json says.
struct Payload {
  std::string kubernetes;   // such as "1.34.4"
  std::string etcd_tag;     // of registry.k8s.io/etcd
  std::string coredns_tag;  // of registry.k8s.io/coredns/coredns
  std::string flannel;      // its image, whole
  bool operator==(const Payload&) const = default;
};
Result<Payload> parse_payload(std::string_view json);

inline constexpr int api_port = 6443;
// Where kubeadm leaves what an administrator shows to the API.
inline constexpr const char* admin_path = "/etc/kubernetes/admin.conf";
inline constexpr std::string_view patches_folder = "/etc/kubernetes/patches";
inline constexpr std::string_view audit_policy_path = "/etc/kubernetes/audit-policy.yaml";
inline constexpr std::string_view encryption_path = "/etc/kubernetes/encryption.yaml";
inline constexpr std::string_view audit_log_folder = "/var/log/kubernetes";

// The name under which a cluster's API is reached. It stands in every certificate and in /etc/hosts of its nodes:
// another virtual address changes no certificate.
std::string api_name(const model::Cluster& cluster);

// For kubeadm init on the node that founds the cluster. certificate_key: only where certificates are uploaded.
std::string founding_config(const model::Cluster& cluster, const NodeFacts& node, const Payload& payload,
                            const std::string& certificate_key = {});

// For kubeadm join. It holds secrets of the invitation.
std::string joining_config(const model::Cluster& cluster, const NodeFacts& node, const Invitation& invitation);

// AuditPolicy: who changed what, and who read secrets; bodies are in no log.
std::string audit_policy();

// EncryptionConfiguration: secrets are encrypted in etcd. key: 32 bytes, base64.
std::string encryption_config(std::string_view key);

}  // namespace loam::cluster
