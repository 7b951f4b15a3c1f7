// Inviting another node, on a node of the control plane: a token of its own, and what a control plane needs besides.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "cluster/cluster_plan.hpp"
#include "cluster/invitation.hpp"

namespace loam::cluster {

// now: seconds since 1970. The token is in the cluster when this returns.
Result<Invitation> invite(const model::Config& config, const NodeFacts& node, const Carried& carried,
                          model::NodeRole role, std::chrono::minutes valid, std::int64_t now);

// As kubeadm pins it: the digest of the public key of a certificate in PEM.
Result<std::string> pin_of(std::string_view certificate);

// The Secret that makes a token valid, as JSON. until: seconds since 1970.
std::string token_secret(std::string_view token, std::int64_t until);

}  // namespace loam::cluster
