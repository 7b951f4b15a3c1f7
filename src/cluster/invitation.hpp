// The join string: one line by which one node joins a cluster. It is a secret. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "model/config.hpp"

namespace loam::cluster {

struct Invitation {
  std::string cluster;  // its name
  model::NodeRole role = model::NodeRole::worker;
  std::string endpoint;  // where the API answers now, such as "192.0.2.5:6443"
  std::string pin;       // of the cluster's CA: "sha256:" and 64 hexadecimal digits
  std::string token;     // bootstrap token, for one node
  // Of a control plane only: what kubeadm's uploaded certificates are encrypted with, 64 hexadecimal digits; and with
  // what secrets are in etcd, 32 bytes in base64.
  std::string certificate_key;
  std::string encryption_key;
  std::int64_t until = 0;  // seconds since 1970
  bool operator==(const Invitation&) const = default;
};

// "loam1." and base64url of JSON with its length and checksum: one that was cut off, or typed wrongly, is told.
std::string to_join_string(const Invitation& invitation);
Result<Invitation> parse_join_string(std::string_view text);

// Why the join string of loam.yaml is not for this node, in a sentence of its own for each. now: seconds since 1970, 0
// where no clock is to be believed yet.
Result<void> check_join_string(const model::Cluster& wanted, std::int64_t now);

// As kubeadm has them: [a-z0-9]{6}.[a-z0-9]{16}, of 22 random bytes.
std::string bootstrap_token(std::string_view random);

}  // namespace loam::cluster
