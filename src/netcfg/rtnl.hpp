// Messages of rtnetlink(7) as values. Pure: bytes come from a socket, or from a fuzzer.
// Formats: linux/rtnetlink.h, linux/if_link.h, linux/if_bonding.h of Linux 6.12.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "base/ip.hpp"

namespace loam::netcfg {

// What a bond knows about one of its members.
struct BondPort {
  bool active = false;   // carries traffic
  bool mii_up = false;   // the monitor holds it for working
  int aggregator = 0;    // 802.3ad; 0: none
  unsigned actor = 0;    // LACP port state of ours, bits of IEEE 802.1AX 6.4.2.3
  unsigned partner = 0;  // and as the partner says it
  bool operator==(const BondPort&) const = default;
};

// 802.3ad: the aggregator that carries traffic.
struct Aggregate {
  int id = 0;
  int ports = 0;
  int partner_key = 0;
  std::string partner_mac;  // all zeros: no partner
  bool operator==(const Aggregate&) const = default;
};

struct BondState {
  int active_member = 0;  // interface index; 0: none
  std::optional<Aggregate> aggregate;
  bool operator==(const BondState&) const = default;
};

struct LinkMessage {
  bool gone = false;
  int index = 0;
  std::string name;
  std::string mac;
  std::string permanent_mac;  // of NICs only
  std::string kind;           // "bond", "vlan", "bridge", ...; empty for NICs
  int master = 0;             // interface index of the bond or bridge that it is in
  bool up = false;            // set up by an administrator
  bool carrier = false;
  std::int64_t mtu = 0;
  std::optional<BondPort> port;
  std::optional<BondState> bond;
  bool operator==(const LinkMessage&) const = default;
};

struct AddressMessage {
  bool gone = false;
  int index = 0;  // of the interface
  IpNet address;
  bool tentative = false;  // duplicate address detection is not over
  bool duplicate = false;  // another host has it
  bool operator==(const AddressMessage&) const = default;
};

// A default route of the main table. Only asked for: the kernel does not tell of all that go, as when a link goes down.
struct GatewayMessage {
  int index = 0;  // of the interface that it goes through
  IpAddr gateway;
  bool operator==(const GatewayMessage&) const = default;
};

// A dump is over, or was refused with this errno (0: over).
struct DumpEnd {
  int error = 0;
  bool operator==(const DumpEnd&) const = default;
};

using RtnlMessage = std::variant<LinkMessage, AddressMessage, GatewayMessage, DumpEnd>;

// One datagram of the kernel. Messages of other kinds are passed over; a length that does not fit is an error.
Result<std::vector<RtnlMessage>> parse_rtnl(std::span<const std::byte> datagram);

}  // namespace loam::netcfg
