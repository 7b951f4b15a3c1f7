// /proc/net/bonding/NAME: what LACP knows of each member's partner, which netlink does not say. Pure.
// Format: drivers/net/bonding/bond_procfs.c of Linux 6.12. Partners are shown to CAP_NET_ADMIN only.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace loam::netcfg {

struct LacpPartner {
  std::string mac;     // of the partner's system; all zeros: nobody answered
  int key = 0;         // of its channel
  unsigned state = 0;  // of its port, bits of IEEE 802.1AX 6.4.2.3
  bool operator==(const LacpPartner&) const = default;
};

// By member. Lines that mean nothing to us are passed over.
std::map<std::string, LacpPartner> parse_bonding_proc(std::string_view text);

}  // namespace loam::netcfg
