// Whether a join string would let this node in, asked of the cluster before anything is changed. Pure but for `fetch`.
// As kubeadm finds a cluster: what it says of itself is signed with the token, and its CA is the one of the pin.
// https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/#discovery-cluster-info
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/error.hpp"
#include "cluster/http_fetch.hpp"
#include "cluster/invitation.hpp"

namespace loam::cluster {

// GET https://ENDPOINT/PATH. authority: who may vouch for the server, PEM; empty: anybody, and what comes proves
// itself.
using Fetch = std::function<Result<HttpAnswer>(const std::string& endpoint, const std::string& path,
                                               const std::string& authority)>;

// What the cluster says, in one line. kubernetes: the version that this release carries, such as "1.34.4"; empty: none.
// now: seconds since 1970 by this node's clock.
Result<std::string> check_join(const Invitation& invitation, const std::string& kubernetes, std::int64_t now,
                               const Fetch& fetch);

}  // namespace loam::cluster
