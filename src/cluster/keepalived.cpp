#include "cluster/keepalived.hpp"

#include <format>

#include "base/prefix.hpp"
#include "cluster/kubeadm.hpp"

namespace loam::cluster {

unsigned router_id(const std::string& address) {
  unsigned sum = 0;
  for (const auto c : without_prefix(address)) sum = (sum * 31 + static_cast<unsigned char>(c)) % 255;
  return sum + 1;
}

std::string keepalived_config(const VirtualAddress& vip) {
  const bool v6 = vip.address.contains(':');
  std::string peers;
  for (const auto& peer : vip.peers) peers += std::format("        {}\n", peer);
  const auto unicast = peers.empty() ? std::string() : std::format("    unicast_peer {{\n{}    }}\n", peers);
  return std::format(
      "global_defs {{\n"
      "    enable_script_security\n"
      "    script_user keepalived_script\n"
      "    vrrp_garp_master_refresh 60\n"
      "}}\n"
      "vrrp_script api {{\n"
      "    script \"/usr/bin/curl --silent --fail --insecure --max-time 4 --output /dev/null "
      "https://localhost:{}/livez\"\n"
      "    interval 3\n"
      "    timeout 5\n"
      "    fall 3\n"
      "    rise 2\n"
      "    weight 50\n"
      "}}\n"
      "vrrp_instance api {{\n"
      "    state BACKUP\n"
      "    interface {}\n"
      "    virtual_router_id {}\n"
      "    priority 100\n"
      "    advert_int 1\n"
      "    nopreempt\n"
      "    unicast_src_ip {}\n"
      "{}"
      "    virtual_ipaddress {{\n"
      "        {}{}\n"
      "    }}\n"
      "    track_script {{\n"
      "        api\n"
      "    }}\n"
      "}}\n",
      api_port, vip.link, router_id(vip.address), vip.own, unicast, vip.address, v6 ? " preferred_lft 0" : "");
}

}  // namespace loam::cluster
