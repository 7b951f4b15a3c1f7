#include "cluster/cluster_plan.hpp"

#include <algorithm>
#include <format>
#include <utility>

#include "base/text.hpp"
#include "cluster/invitation.hpp"
#include "model/describe.hpp"

namespace loam::cluster {

namespace {

plan::Action action(std::string kind, std::string target, std::string summary) {
  return {.kind = std::move(kind), .target = std::move(target), .summary = std::move(summary), .arguments = {}};
}

// What of loam.yaml no node can do yet, or has done otherwise.
Result<void> check(const model::Cluster& wanted, const ClusterFacts& facts) {
  if (!facts.member_of.empty() && facts.member_of != wanted.name.str())
    return fail(
        std::format("cluster.name is {}, and this node is in the cluster {}", wanted.name.str(), facts.member_of),
        "a node is moved by taking it out of its cluster and installing it anew");
  if (facts.member_of.empty() && wanted.founds() && wanted.role == model::NodeRole::worker)
    return fail("cluster.role: a cluster is not founded by a worker",
                "say control-plane, or give it a join string of the cluster (cluster.join_string)");
  return {};
}

bool holds_api(const model::Cluster& cluster) { return cluster.role != model::NodeRole::worker; }

}  // namespace

Result<plan::Plan> plan_cluster(const model::Config& config, const ClusterFacts& facts, const Carried& carried,
                                std::int64_t now) {
  plan::Plan result{.title = "be in no cluster", .actions = {}};
  if (!config.cluster) {
    if (facts.member_of.empty()) return result;
    return fail(std::format("loam.yaml names no cluster, and this node is in the cluster {}", facts.member_of),
                "put cluster: back, or take the node out of the cluster and install it anew");
  }
  const auto& wanted = *config.cluster;
  LOAM_CHECK(check(wanted, facts));
  const auto name = wanted.name.str();
  auto& all = result.actions;
  const bool member = !facts.member_of.empty();
  const bool founds = !member && wanted.founds();
  if (!member && !founds) LOAM_CHECK(check_join_string(wanted, now));
  result.title = std::format("{} cluster {}",
                             member   ? "run as a node of the"
                             : founds ? "found the"
                                      : "join the",
                             name);
  if (facts.imported != carried.digest)
    all.push_back(action("import-images", carried.digest, "give containerd the images that this release carries"));
  all.push_back(action("write-settings", name, "write what kubeadm, the kubelet and keepalived are told"));
  if (wanted.vip && holds_api(wanted))
    all.push_back(action("hold-address", wanted.vip->str(),
                         std::format("hold the virtual address {} where the API is", wanted.vip->str())));
  if (!member && !founds)
    all.push_back(action("join", name, std::format("join {} as a {}", name, model::enum_name(wanted.role))));
  else
    all.push_back(
        member ? action("start", name, "start the kubelet")
               : action("found", name,
                        std::format("make the control plane of {}, Kubernetes {}", name, carried.payload.kubernetes)));
  if (founds || (!facts.network_applied.empty() && facts.network_applied != carried.digest))
    all.push_back(action("apply-network", "flannel", "let pods on all nodes reach each other"));
  all.push_back(action("connect-pods", "cni0", "give the pods of this node their network"));
  all.push_back(action("await-ready", name, "wait until Kubernetes calls this node ready"));
  return result;
}

Result<void> check_address(const model::Config& config, const ClusterFacts& facts, const NodeFacts& node) {
  if (!config.cluster || !holds_api(*config.cluster) || facts.member_of.empty() || facts.address == node.address)
    return {};
  return fail(std::format("this node is known in the cluster {} by the address {}, and has {} now", facts.member_of,
                          facts.address, node.address),
              std::format("give it {} again; a control plane keeps its address for life", facts.address));
}

Result<std::optional<VirtualAddress>> virtual_address(const model::Config& config, const NodeFacts& node) {
  if (!config.cluster || !config.cluster->vip || !holds_api(*config.cluster)) return std::nullopt;
  const auto with_role = [](const model::Interface& one) {
    return std::ranges::contains(one.roles, model::Role::cluster);
  };
  const auto interface = std::ranges::find_if(config.network.interfaces, with_role);
  if (interface == config.network.interfaces.end())
    return fail("cluster.vip: no interface has the role cluster",
                "give network.interfaces[].roles of one of them cluster");
  return VirtualAddress{
      .address = config.cluster->vip->str(), .link = interface->link.str(), .own = node.address, .peers = {}};
}

}  // namespace loam::cluster
