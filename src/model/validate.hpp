// Rules across keys, by section. What one key may hold is said by its type.
#pragma once

#include <string>
#include <vector>

#include "base/ip.hpp"
#include "model/config.hpp"
#include "model/parse.hpp"

namespace loam::model {

// Collects what is wrong, each with the path of the key that it is about.
class Problems {
 public:
  void add(std::string path, std::string text) { list_.push_back({std::move(path), std::move(text)}); }
  std::size_t count() const { return list_.size(); }
  std::vector<Problem> take() && { return std::move(list_); }

 private:
  std::vector<Problem> list_;
};

// The type has checked the form already.
inline IpNet net(const IpPrefix& text) { return IpNet::parse(text.str()).value_or(IpNet{}); }

// A network, and no address in it.
void whole_network(const IpNet& value, const std::string& path, Problems& problems);

// NICs, bonds, VLANs and bridges: names, members, parents, MTUs.
void validate_links(const Network& network, Problems& problems);
// What the firewall admits.
void validate_firewall(const Network& network, Problems& problems);
// Disks for Ceph.
void validate_storage(const Storage& storage, Problems& problems);
// Interfaces: addresses, gateways, routes, rules, roles; DNS; the cluster's ranges and VIP against them.
void validate_addresses(const Config& config, Problems& problems);

}  // namespace loam::model
