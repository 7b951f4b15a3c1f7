// What the network interfaces really are: a table that the kernel's messages keep up to date.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "netcfg/bonding_proc.hpp"
#include "netcfg/rtnl.hpp"

namespace loam::netcfg {

struct Address {
  IpNet net;
  bool tentative = false;
  bool duplicate = false;  // another host has it
  bool operator==(const Address&) const = default;
};

struct Link {
  int index = 0;
  std::string name;
  std::string mac;
  std::string permanent_mac;
  std::string driver;
  std::string pci;   // address of the card, as in loam.yaml; empty if it is on no PCI bus
  std::string kind;  // "nic", "bond", "vlan", "bridge" or another of the kernel's
  int master = 0;
  bool up = false;
  bool carrier = false;
  std::int64_t speed = 0;  // Mb/s, 0 if unknown
  std::int64_t mtu = 0;    // bytes
  std::optional<BondPort> port;
  std::optional<BondState> bond;
  std::vector<Address> addresses;
  bool operator==(const Link&) const = default;
};

// What netlink does not say; read when a link appears and when its carrier changes.
struct LinkDetails {
  bool hardware = false;
  std::string driver;
  std::string pci;
  std::int64_t speed = 0;
};
// What a NIC is known by; a driver that knows no permanent address has only the one.
const std::string& identity(const Link& nic);

using ReadDetails = std::function<LinkDetails(const std::string& name)>;
LinkDetails read_link_details(const std::string& name);

class LinkTable {
 public:
  explicit LinkTable(ReadDetails read = read_link_details) : read_(std::move(read)) {}

  // Takes one message. The index of the link that it changed; none if it changed nothing. The cost does not depend on
  // how many other links there are.
  std::optional<int> apply(const RtnlMessage& message);

  const std::map<int, Link>& links() const { return links_; }
  const Link* find(int index) const;
  const Link* find(const std::string& name) const;
  // A NIC by its permanent MAC address, in either letter case.
  const Link* find_hardware(const std::string& mac) const;

 private:
  std::optional<int> apply_link(const LinkMessage& message);
  std::optional<int> apply_address(const AddressMessage& message);
  void forget(int index);

  ReadDetails read_;
  std::map<int, Link> links_;
  std::map<std::string, int> by_name_;
  std::map<std::string, int> by_mac_;  // NICs, by permanent address
};

// All but the loopback interface, by name: one look, for programs that do not stay.
Result<std::vector<Link>> observe_links();

// The routers that the default routes of the main table go to, by interface index. One look.
using Gateways = std::map<int, std::vector<IpAddr>>;
Result<Gateways> observe_gateways();

// The partners of all members of a bond, as /proc/net/bonding has them; empty if it is not there.
std::map<std::string, LacpPartner> lacp_partners(const std::string& bond);

}  // namespace loam::netcfg
