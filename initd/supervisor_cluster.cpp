// The supervisor and the cluster: when this node takes its place there, and what it says of it.
#include <algorithm>

#include "base/prefix.hpp"
#include "supervisor.hpp"

namespace loam::node {

// Of the interface with the role cluster: what loam.yaml says, else what DHCP gave it. Empty as long as there is none.
std::string Supervisor::cluster_address() const {
  const auto& interfaces = network_config_->network.interfaces;
  const auto found = std::ranges::find_if(
      interfaces, [](const auto& one) { return std::ranges::contains(one.roles, model::Role::cluster); });
  if (found == interfaces.end()) return {};
  if (!found->addresses.empty()) return without_prefix(found->addresses.front().str());
  const auto* const link = network_.table().find(found->link.str());
  if (link == nullptr) return {};
  const auto usable = std::ranges::find_if(link->addresses, [](const auto& address) {
    return !address.tentative && !address.duplicate && !address.net.address.is_link_local();
  });
  return usable == link->addresses.end() ? "" : without_prefix(usable->net.str());
}

std::string Supervisor::cluster_vip() const {
  const bool any = network_config_ && network_config_->cluster && network_config_->cluster->vip;
  return any ? network_config_->cluster->vip->str() : "";
}

// Only on a network that works, and that nobody may take back: what is founded on it is there for good.
void Supervisor::want_cluster() {
  if (boot_.live || !network_config_) return;
  const bool there = condition_is("Network", "true") && !trial_;
  cluster_.want(network_config_->cluster, there ? cluster_address() : "");
}

void Supervisor::cluster_changed() {
  take_condition("Cluster", cluster_.condition());
  settle();
}

}  // namespace loam::node
