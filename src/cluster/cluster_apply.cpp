#include "cluster/cluster_apply.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <format>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>
#include <vector>

#include "base/base64.hpp"
#include "base/file.hpp"
#include "base/prefix.hpp"
#include "base/text.hpp"
#include "cluster/cluster_state.hpp"
#include "cluster/flannel.hpp"
#include "cluster/http_fetch.hpp"
#include "cluster/invitation.hpp"
#include "cluster/join_check.hpp"
#include "cluster/random_bytes.hpp"
#include "sys/subprocess.hpp"

namespace loam::cluster {

namespace fs = std::filesystem;
using nlohmann::json;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

// Machines with cold, slow disks, and emulated ones: long, but every wait ends.
constexpr minutes import_limit{30};
constexpr minutes kubeadm_limit{40};
constexpr minutes range_limit{10};
constexpr minutes ready_limit{20};
constexpr seconds unit_limit{180};
constexpr seconds address_limit{30};
constexpr const char* kubeadm_config = "/run/loam/kubeadm.yaml";
constexpr const char* keepalived_conf = "/etc/keepalived/keepalived.conf";
constexpr const char* kubelet_identity = "/etc/kubernetes/kubelet.conf";

Result<void> run(const std::vector<std::string>& argv, seconds limit, std::string input = {}) {
  LOAM_TRY([[maybe_unused]] const auto done,
           sys::run(argv, {.timeout = limit, .input = std::move(input), .environment = {}}));
  return {};
}

Result<void> unit(const char* verb, const char* name) { return run({"systemctl", verb, name}, unit_limit); }

// Until it is true. what: for the message, "X did not happen".
Result<void> wait_until(const std::function<Result<std::string>()>& missing, seconds limit, std::string_view what) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (true) {
    const auto why = missing();
    if (why && why->empty()) return {};
    if (std::chrono::steady_clock::now() >= deadline)
      return fail(std::format("{} after {} s: {}", what, limit.count(), why ? *why : why.error().text()));
    std::this_thread::sleep_for(seconds(1));
  }
}

// What kubeadm complains of on a node where it was cut off: its own traces.
constexpr std::string_view own_traces =
    "FileAvailable--etc-kubernetes-manifests-kube-apiserver.yaml,FileAvailable--etc-kubernetes-manifests-kube-"
    "controller-manager.yaml,"
    "FileAvailable--etc-kubernetes-manifests-kube-scheduler.yaml,FileAvailable--etc-kubernetes-manifests-etcd.yaml,"
    "DirAvailable--var-lib-etcd,"
    "FileAvailable--etc-kubernetes-kubelet.conf,FileAvailable--etc-kubernetes-bootstrap-kubelet.conf,FileAvailable--"
    "etc-kubernetes-pki-ca.crt,"
    "Port-6443,Port-10250,Port-10257,Port-10259,Port-2379,Port-2380";

}  // namespace

Result<std::string> why_not_ready(std::string_view node_json) {
  const auto node = json::parse(node_json, nullptr, false);
  try {
    for (const auto& condition : node.at("status").at("conditions"))
      if (condition.at("type") == "Ready")
        return condition.at("status") == "True" ? std::string()
                                                : printable(condition.value("message", "it does not say why"), 400);
  } catch (const json::exception& problem) {
    return fail(std::format("what the API says of this node cannot be read: {}", problem.what()));
  }
  return "the kubelet has not said yet how it is";
}

ClusterApply::ClusterApply(model::Config config, NodeFacts node, Carried carried, ClusterFacts facts)
    : config_(std::move(config)), node_(std::move(node)), carried_(std::move(carried)), facts_(std::move(facts)) {}

plan::Handlers ClusterApply::handlers() {
  return {{"import-images", [this](const plan::Action&) { return import_images(); }},
          {"write-settings", [this](const plan::Action&) { return write_settings(); }},
          {"hold-address", [this](const plan::Action&) { return hold_address(); }},
          {"found", [this](const plan::Action&) { return found(); }},
          {"join", [this](const plan::Action&) { return join(); }},
          {"start", [this](const plan::Action&) { return start(); }},
          {"apply-network", [this](const plan::Action&) { return apply_network(); }},
          {"connect-pods", [this](const plan::Action&) { return connect_pods(); }},
          {"await-ready", [this](const plan::Action&) { return await_ready(); }}};
}

Result<void> ClusterApply::import_images() {
  LOAM_CHECK(unit("start", "containerd.service"));
  // containerd reads a tar; the image holds the layout's files, so that each keeps its blocks from release to release.
  LOAM_CHECK(sys::run_piped({"tar", "--create", "--directory", std::string(images_path), "."},
                            {"ctr", "--namespace", "k8s.io", "images", "import", "-"}, import_limit));
  facts_.imported = carried_.digest;
  return write_state(facts_);
}

Result<void> ClusterApply::write_encryption() {
  if (fs::exists(encryption_path)) return {};  // another key could not read what is in etcd
  if (invitation_) return write_file_atomic(encryption_path, encryption_config(invitation_->encryption_key), 0600);
  LOAM_TRY(const auto key, random_bytes(32));
  return write_file_atomic(encryption_path, encryption_config(to_base64(key)), 0600);
}

Result<void> ClusterApply::write_settings() {
  if (facts_.member_of.empty() && config_.cluster->join_string) {
    LOAM_TRY(invitation_, parse_join_string(config_.cluster->join_string->str()));
  }
  if (config_.cluster->role != model::NodeRole::worker) {
    LOAM_CHECK(write_file_atomic(audit_policy_path, audit_policy()));
    LOAM_CHECK(write_encryption());
  }
  LOAM_CHECK(write_file_atomic(fs::path(patches_folder) / "kubeletconfiguration+merge.json", kubelet_patch(node_)));
  return write_file_atomic(kubeadm_config,
                           invitation_ ? joining_config(*config_.cluster, node_, *invitation_)
                                       : founding_config(*config_.cluster, node_, carried_.payload),
                           0600);
}

// kubeadm reaches the API under its name, so the address must be there before there is one.
Result<void> ClusterApply::hold_address() {
  LOAM_TRY(const auto vip, virtual_address(config_, node_));
  if (!vip) return {};
  LOAM_TRY(const bool changed, write_file_if_changed(keepalived_conf, keepalived_config(*vip), 0640));
  LOAM_CHECK(unit("start", "keepalived.service"));
  if (changed) LOAM_CHECK(unit("reload", "keepalived.service"));
  if (!vip->peers.empty()) return {};  // another one may hold it
  const auto missing = [&]() -> Result<std::string> {
    LOAM_TRY(const auto shown, sys::run({"ip", "-json", "address", "show", "dev", vip->link}));
    const auto address = without_prefix(vip->address);
    return shown.out.contains(std::format("\"{}\"", address)) ? "" : vip->link + " has not got it";
  };
  return wait_until(missing, address_limit, std::format("the virtual address {} is not held", vip->address));
}

Result<void> ClusterApply::found() {
  LOAM_CHECK(unit("start", "containerd.service"));
  std::vector<std::string> argv = {
      "kubeadm", "init", "--config", kubeadm_config, "--skip-token-print", "--skip-certificate-key-print"};
  // It was begun here before, by us: nothing else writes there.
  if (fs::exists("/etc/kubernetes/manifests") && !fs::is_empty("/etc/kubernetes/manifests"))
    argv.push_back(std::format("--ignore-preflight-errors={}", own_traces));
  LOAM_CHECK(run(argv, kubeadm_limit));
  facts_.network_applied = network_owed;
  return note_membership();
}

Result<void> ClusterApply::note_membership() {
  facts_.member_of = config_.cluster->name.str();
  facts_.address = node_.address;
  return write_state(facts_);
}

Result<void> ClusterApply::ask_cluster() const {
  LOAM_TRY([[maybe_unused]] const auto said,
           check_join(*invitation_, carried_.payload.kubernetes, std::time(nullptr), fetch_by_curl));
  return {};
}

Result<void> ClusterApply::join() {
  LOAM_CHECK(unit("start", "containerd.service"));
  // A worker that was cut off after it got its certificate has joined: its token is used up.
  const bool worker = config_.cluster->role == model::NodeRole::worker;
  if (!worker || !fs::exists(kubelet_identity)) {
    std::vector<std::string> argv = {"kubeadm", "join", "--config", kubeadm_config};
    if (fs::exists("/etc/kubernetes/pki/ca.crt"))
      argv.push_back(std::format("--ignore-preflight-errors={}", own_traces));
    // Why not, in a sentence, where kubeadm would try for minutes; what was begun had passed here.
    if (!fs::exists(kubelet_identity)) LOAM_CHECK(ask_cluster());
    LOAM_CHECK(run(argv, kubeadm_limit));
  }
  fs::remove(kubeadm_config);  // it holds the token
  LOAM_CHECK(unit("start", "kubelet.service"));
  return note_membership();
}

Result<void> ClusterApply::start() {
  LOAM_CHECK(unit("start", "containerd.service"));
  return unit("start", "kubelet.service");
}

// Not checked by kubectl: for that it fetches a description of all resources within 32 s, which a server that has just
// come up may not have ready by then. The server itself refuses what it cannot take.
Result<void> ClusterApply::apply_network() {
  LOAM_CHECK(run({"kubectl", "--kubeconfig", admin_path, "apply", "--server-side", "--field-manager=loam",
                  "--force-conflicts", "--validate=false", "-f", "-"},
                 minutes(5), flannel_manifest(*config_.cluster, carried_.payload.flannel)));
  facts_.network_applied = carried_.digest;
  return write_state(facts_);
}

Result<std::string> ClusterApply::this_node() const {
  LOAM_TRY(auto shown, sys::run({"kubectl", "--kubeconfig", kubelet_identity, "--request-timeout=20s", "get", "node",
                                 node_.name, "-o", "json"}));
  return std::move(shown.out);
}

// The kubelet is not ready before its pods have a network, and that needs the addresses that the API gives this node.
Result<void> ClusterApply::connect_pods() {
  const auto missing = [&]() -> Result<std::string> {
    LOAM_TRY(const auto node, this_node());
    LOAM_TRY(const auto range, pod_range_of(node));
    if (range.empty()) return "the controller manager gives none";
    LOAM_CHECK(write_file_if_changed(cni_path, cni_config(range)));
    return "";
  };
  return wait_until(missing, range_limit, std::format("{} has no addresses for its pods", node_.name));
}

Result<void> ClusterApply::await_ready() {
  const auto missing = [&]() -> Result<std::string> {
    LOAM_TRY(const auto node, this_node());
    return why_not_ready(node);
  };
  return wait_until(missing, ready_limit, std::format("Kubernetes does not call {} ready", node_.name));
}

}  // namespace loam::cluster
