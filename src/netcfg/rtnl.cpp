#include "netcfg/rtnl.hpp"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <format>
#include <limits>

namespace loam::netcfg {

namespace {

using Bytes = std::span<const std::byte>;

// Netlink aligns everything to four bytes.
constexpr std::size_t aligned(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

// A C struct at the start of the bytes, zero where they end early: older kernels have shorter ones.
template <typename T>
T head(Bytes bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), std::min(sizeof(T), bytes.size()));
  return value;
}

Bytes behind(Bytes bytes, std::size_t size) { return bytes.subspan(std::min(aligned(size), bytes.size())); }

struct Attribute {
  unsigned type = 0;
  Bytes value;

  template <typename T>
  T as() const {
    return head<T>(value);
  }
  int number() const { return static_cast<int>(as<std::uint32_t>()); }
  std::string text() const {
    const auto* const first = reinterpret_cast<const char*>(value.data());
    return {first, ::strnlen(first, value.size())};
  }
  std::string mac() const {
    std::string text;
    for (const auto byte : value.first(std::min<std::size_t>(value.size(), 20)))
      text += std::format("{}{:02x}", text.empty() ? "" : ":", std::to_integer<unsigned>(byte));
    return text;
  }
};

// Calls visit for each attribute; one whose length does not fit ends it, as in the kernel's own walk.
template <typename Visit>
void each(Bytes bytes, Visit visit) {
  while (bytes.size() >= sizeof(rtattr)) {
    const auto header = head<rtattr>(bytes);
    if (header.rta_len < sizeof(rtattr) || header.rta_len > bytes.size()) return;
    visit(Attribute{.type = header.rta_type & static_cast<unsigned>(NLA_TYPE_MASK),
                    .value = bytes.subspan(sizeof(rtattr), header.rta_len - sizeof(rtattr))});
    bytes = behind(bytes, header.rta_len);
  }
}

BondPort bond_port(Bytes data) {
  BondPort port;
  each(data, [&](const Attribute& a) {
    switch (a.type) {
      case IFLA_BOND_SLAVE_STATE: port.active = a.as<std::uint8_t>() == 0; break;       // BOND_STATE_ACTIVE
      case IFLA_BOND_SLAVE_MII_STATUS: port.mii_up = a.as<std::uint8_t>() == 0; break;  // BOND_LINK_UP
      case IFLA_BOND_SLAVE_AD_AGGREGATOR_ID: port.aggregator = a.as<std::uint16_t>(); break;
      case IFLA_BOND_SLAVE_AD_ACTOR_OPER_PORT_STATE: port.actor = a.as<std::uint8_t>(); break;
      case IFLA_BOND_SLAVE_AD_PARTNER_OPER_PORT_STATE: port.partner = a.as<std::uint16_t>(); break;
      default: break;
    }
  });
  return port;
}

Aggregate aggregate(Bytes data) {
  Aggregate found;
  each(data, [&](const Attribute& a) {
    switch (a.type) {
      case IFLA_BOND_AD_INFO_AGGREGATOR: found.id = a.as<std::uint16_t>(); break;
      case IFLA_BOND_AD_INFO_NUM_PORTS: found.ports = a.as<std::uint16_t>(); break;
      case IFLA_BOND_AD_INFO_PARTNER_KEY: found.partner_key = a.as<std::uint16_t>(); break;
      case IFLA_BOND_AD_INFO_PARTNER_MAC: found.partner_mac = a.mac(); break;
      default: break;
    }
  });
  return found;
}

BondState bond_state(Bytes data) {
  BondState state;
  each(data, [&](const Attribute& a) {
    switch (a.type) {
      case IFLA_BOND_ACTIVE_SLAVE: state.active_member = a.number(); break;
      case IFLA_BOND_AD_INFO: state.aggregate = aggregate(a.value); break;
      default: break;
    }
  });
  return state;
}

// The data of a kind can come before its name: the nest is walked twice.
void link_info(Bytes nest, LinkMessage& link) {
  std::string port_kind;
  each(nest, [&](const Attribute& a) {
    if (a.type == IFLA_INFO_KIND) link.kind = a.text();
    if (a.type == IFLA_INFO_SLAVE_KIND) port_kind = a.text();
  });
  each(nest, [&](const Attribute& a) {
    if (a.type == IFLA_INFO_DATA && link.kind == "bond") link.bond = bond_state(a.value);
    if (a.type == IFLA_INFO_SLAVE_DATA && port_kind == "bond") link.port = bond_port(a.value);
  });
}

LinkMessage link_message(Bytes payload, bool gone) {
  const auto header = head<ifinfomsg>(payload);
  LinkMessage link;
  link.gone = gone;
  link.index = header.ifi_index;
  link.up = (header.ifi_flags & IFF_UP) != 0;
  each(behind(payload, sizeof(header)), [&](const Attribute& a) {
    switch (a.type) {
      case IFLA_IFNAME: link.name = a.text(); break;
      case IFLA_ADDRESS: link.mac = a.mac(); break;
      case IFLA_PERM_ADDRESS: link.permanent_mac = a.mac(); break;
      case IFLA_MASTER: link.master = a.number(); break;
      case IFLA_MTU: link.mtu = a.as<std::uint32_t>(); break;
      case IFLA_CARRIER: link.carrier = a.as<std::uint8_t>() != 0; break;
      case IFLA_LINKINFO: link_info(a.value, link); break;
      default: break;
    }
  });
  return link;
}

std::optional<IpAddr> address_of(unsigned char family, Bytes value) {
  IpAddr address{.v6 = family == AF_INET6, .bytes = {}};
  if (value.size() != address.bits() / 8) return std::nullopt;
  std::memcpy(address.bytes.data(), value.data(), value.size());
  return address;
}

std::optional<AddressMessage> address_message(Bytes payload, bool gone) {
  const auto header = head<ifaddrmsg>(payload);
  if (header.ifa_family != AF_INET && header.ifa_family != AF_INET6) return std::nullopt;
  AddressMessage message;
  message.gone = gone;
  message.index = static_cast<int>(header.ifa_index);
  unsigned flags = header.ifa_flags;
  Bytes peer;
  Bytes local;
  each(behind(payload, sizeof(header)), [&](const Attribute& a) {
    if (a.type == IFA_ADDRESS) peer = a.value;
    if (a.type == IFA_LOCAL) local = a.value;
    if (a.type == IFA_FLAGS) flags = a.as<std::uint32_t>();
  });
  // On links with two ends IFA_ADDRESS is the other one; IPv6 mostly has no IFA_LOCAL.
  const auto address = address_of(header.ifa_family, local.empty() ? peer : local);
  if (!address) return std::nullopt;
  message.address.address = *address;
  message.address.prefix = std::min<unsigned>(header.ifa_prefixlen, message.address.address.bits());
  message.tentative = (flags & IFA_F_TENTATIVE) != 0;
  message.duplicate = (flags & IFA_F_DADFAILED) != 0;
  return message;
}

std::optional<GatewayMessage> gateway_message(Bytes payload) {
  const auto header = head<rtmsg>(payload);
  const bool ip = header.rtm_family == AF_INET || header.rtm_family == AF_INET6;
  if (!ip || header.rtm_dst_len != 0 || header.rtm_type != RTN_UNICAST) return std::nullopt;
  GatewayMessage message;
  Bytes gateway;
  unsigned table = header.rtm_table;
  each(behind(payload, sizeof(header)), [&](const Attribute& a) {
    if (a.type == RTA_TABLE) table = a.as<std::uint32_t>();
    if (a.type == RTA_OIF) message.index = a.number();
    if (a.type == RTA_GATEWAY) gateway = a.value;
  });
  const auto address = address_of(header.rtm_family, gateway);
  if (table != RT_TABLE_MAIN || !address) return std::nullopt;
  message.gateway = *address;
  return message;
}

// The kernel sends errnos negated.
int errno_of(int error) { return error > 0 || error == std::numeric_limits<int>::min() ? EPROTO : -error; }

void add(const nlmsghdr& header, Bytes payload, std::vector<RtnlMessage>& messages) {
  switch (header.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK: {
      // A bridge also speaks of its ports in a family of its own; the port's own messages say all of that.
      if (head<ifinfomsg>(payload).ifi_family != AF_UNSPEC) return;
      messages.emplace_back(link_message(payload, header.nlmsg_type == RTM_DELLINK));
      return;
    }
    case RTM_NEWADDR:
    case RTM_DELADDR:
      if (auto message = address_message(payload, header.nlmsg_type == RTM_DELADDR)) messages.emplace_back(*message);
      return;
    case RTM_NEWROUTE:
      if (auto message = gateway_message(payload)) messages.emplace_back(*message);
      return;
    case NLMSG_DONE: messages.emplace_back(DumpEnd{}); return;
    case NLMSG_ERROR: messages.emplace_back(DumpEnd{errno_of(head<nlmsgerr>(payload).error)}); return;
    default: return;
  }
}

}  // namespace

Result<std::vector<RtnlMessage>> parse_rtnl(Bytes datagram) {
  std::vector<RtnlMessage> messages;
  while (datagram.size() >= sizeof(nlmsghdr)) {
    const auto header = head<nlmsghdr>(datagram);
    if (header.nlmsg_len < sizeof(nlmsghdr) || header.nlmsg_len > datagram.size())
      return fail(
          std::format("a message of the kernel says it has {} bytes, {} are there", header.nlmsg_len, datagram.size()));
    add(header, datagram.subspan(sizeof(nlmsghdr), header.nlmsg_len - sizeof(nlmsghdr)), messages);
    datagram = behind(datagram, header.nlmsg_len);
  }
  return messages;
}

}  // namespace loam::netcfg
