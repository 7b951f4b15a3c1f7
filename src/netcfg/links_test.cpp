#include "netcfg/links.hpp"

#include <gtest/gtest.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <cstring>

#include "netcfg/neighbours.hpp"
#include "netcfg/rtnl_socket.hpp"

namespace loam::netcfg {
namespace {

// Builds datagrams as the kernel does.
class Datagram {
 public:
  template <typename Body>
  Datagram& begin(unsigned short type, const Body& body) {
    start_ = bytes_.size();
    nlmsghdr header{};
    header.nlmsg_type = type;
    put(&header, sizeof(header));
    put(&body, sizeof(body));
    return close();
  }
  Datagram& attribute(unsigned short type, const void* data, std::size_t size) {
    rtattr header{};
    header.rta_type = type;
    header.rta_len = static_cast<unsigned short>(sizeof(header) + size);
    put(&header, sizeof(header));
    put(data, size);
    return close();
  }
  template <typename T>
  Datagram& number(unsigned short type, T value) {
    return attribute(type, &value, sizeof(value));
  }
  Datagram& text(unsigned short type, std::string_view value) {
    const std::string terminated(value);
    return attribute(type, terminated.c_str(), terminated.size() + 1);
  }
  Datagram& nest(unsigned short type, const Datagram& inside) {
    return attribute(type, inside.bytes_.data(), inside.bytes_.size());
  }
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  void put(const void* data, std::size_t size) {
    const auto* const first = static_cast<const std::byte*>(data);
    bytes_.insert(bytes_.end(), first, first + size);
  }
  Datagram& close() {
    bytes_.resize((bytes_.size() + 3) & ~std::size_t{3});
    if (!start_) return *this;
    const auto length = static_cast<std::uint32_t>(bytes_.size() - *start_);
    std::memcpy(bytes_.data() + *start_, &length, sizeof(length));
    return *this;
  }

  std::vector<std::byte> bytes_;
  std::optional<std::size_t> start_;
};

Datagram link_datagram(int index, const char* name, bool carrier) {
  ifinfomsg body{};
  body.ifi_index = index;
  body.ifi_flags = IFF_UP;
  Datagram datagram;
  datagram.begin(RTM_NEWLINK, body)
      .text(IFLA_IFNAME, name)
      .attribute(IFLA_ADDRESS, "\x52\x54\x00\x00\x00\x09", 6)
      .attribute(IFLA_PERM_ADDRESS, "\x52\x54\x00\x00\x00\x01", 6)
      .number<std::uint32_t>(IFLA_MTU, 9000)
      .number<std::uint32_t>(IFLA_MASTER, 7)
      .number<std::uint8_t>(IFLA_CARRIER, carrier ? 1 : 0);
  return datagram;
}

TEST(Rtnl, AMemberOfABond) {
  auto datagram = link_datagram(3, "nic0", true);
  Datagram port;
  port.number<std::uint8_t>(IFLA_BOND_SLAVE_STATE, 0)
      .number<std::uint8_t>(IFLA_BOND_SLAVE_MII_STATUS, 0)
      .number<std::uint16_t>(IFLA_BOND_SLAVE_AD_AGGREGATOR_ID, 2)
      .number<std::uint8_t>(IFLA_BOND_SLAVE_AD_ACTOR_OPER_PORT_STATE, 63)
      .number<std::uint16_t>(IFLA_BOND_SLAVE_AD_PARTNER_OPER_PORT_STATE, 61);
  Datagram info;
  info.nest(IFLA_INFO_SLAVE_DATA, port).text(IFLA_INFO_SLAVE_KIND, "bond");  // the data before its kind
  datagram.nest(IFLA_LINKINFO, info);
  const auto messages = parse_rtnl(datagram.bytes());
  ASSERT_TRUE(messages && messages->size() == 1) << messages.error().text();
  const auto& link = std::get<LinkMessage>(messages->front());
  EXPECT_EQ(link.name, "nic0");
  EXPECT_EQ(link.mac, "52:54:00:00:00:09");
  EXPECT_EQ(link.permanent_mac, "52:54:00:00:00:01");
  EXPECT_EQ(link.mtu, 9000);
  EXPECT_EQ(link.master, 7);
  EXPECT_TRUE(link.up && link.carrier && !link.gone);
  EXPECT_EQ(link.port, (BondPort{.active = true, .mii_up = true, .aggregator = 2, .actor = 63, .partner = 61}));
}

TEST(Rtnl, AnAddressMessageWithoutAnAddress) {
  ifaddrmsg body{};
  body.ifa_family = AF_INET;
  Datagram datagram;
  EXPECT_TRUE(parse_rtnl(datagram.begin(RTM_NEWADDR, body).bytes())->empty());
}

TEST(Rtnl, DefaultRoutesOfTheMainTable) {
  const auto route = [](unsigned char family, unsigned char length, unsigned table, std::string_view gateway) {
    rtmsg body{};
    body.rtm_family = family;
    body.rtm_dst_len = length;
    body.rtm_type = RTN_UNICAST;
    Datagram datagram;
    datagram.begin(RTM_NEWROUTE, body)
        .number<std::uint32_t>(RTA_TABLE, table)
        .number<std::uint32_t>(RTA_OIF, 4)
        .attribute(RTA_GATEWAY, gateway.data(), gateway.size());
    return *parse_rtnl(datagram.bytes());
  };
  const std::string v6("\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
  EXPECT_EQ(route(AF_INET, 0, RT_TABLE_MAIN, "\x0a\x01\x02\x03"),
            (std::vector<RtnlMessage>{GatewayMessage{4, *IpAddr::parse("10.1.2.3")}}));
  EXPECT_EQ(route(AF_INET6, 0, RT_TABLE_MAIN, v6),
            (std::vector<RtnlMessage>{GatewayMessage{4, *IpAddr::parse("fe80::1")}}));
  EXPECT_TRUE(route(AF_INET, 24, RT_TABLE_MAIN, "\x0a\x01\x02\x03").empty());
  EXPECT_TRUE(route(AF_INET, 0, 100, "\x0a\x01\x02\x03").empty());
  EXPECT_TRUE(route(AF_INET, 0, RT_TABLE_MAIN, "").empty()) << "on the link itself";
  EXPECT_TRUE(route(AF_INET, 0, RT_TABLE_MAIN, "\x0a").empty());
}

TEST(Rtnl, ABondWithItsAggregator) {
  auto datagram = link_datagram(7, "bond0", true);
  Datagram aggregate;
  aggregate.number<std::uint16_t>(IFLA_BOND_AD_INFO_AGGREGATOR, 1)
      .number<std::uint16_t>(IFLA_BOND_AD_INFO_NUM_PORTS, 2)
      .number<std::uint16_t>(IFLA_BOND_AD_INFO_PARTNER_KEY, 15)
      .attribute(IFLA_BOND_AD_INFO_PARTNER_MAC, "\x00\x1b\x21\x00\x00\x0a", 6);
  Datagram data;
  data.number<std::uint8_t>(IFLA_BOND_MODE, 4)
      .number<std::uint32_t>(IFLA_BOND_ACTIVE_SLAVE, 3)
      .nest(IFLA_BOND_AD_INFO, aggregate);
  Datagram info;
  info.text(IFLA_INFO_KIND, "bond").nest(IFLA_INFO_DATA, data);
  datagram.nest(IFLA_LINKINFO, info);
  const auto link = std::get<LinkMessage>(parse_rtnl(datagram.bytes())->front());
  EXPECT_EQ(link.kind, "bond");
  EXPECT_EQ(link.bond->active_member, 3);
  EXPECT_EQ(link.bond->aggregate,
            (Aggregate{.id = 1, .ports = 2, .partner_key = 15, .partner_mac = "00:1b:21:00:00:0a"}));
}

TEST(Rtnl, AddressesOfBothFamilies) {
  ifaddrmsg v4{};
  v4.ifa_family = AF_INET;
  v4.ifa_prefixlen = 24;
  v4.ifa_index = 7;
  Datagram datagram;
  datagram.begin(RTM_NEWADDR, v4)
      .attribute(IFA_ADDRESS, "\xc0\x00\x02\x01", 4)
      .attribute(IFA_LOCAL, "\xc0\x00\x02\x0b", 4);
  ifaddrmsg v6{};
  v6.ifa_family = AF_INET6;
  v6.ifa_prefixlen = 64;
  v6.ifa_index = 7;
  datagram.begin(RTM_DELADDR, v6)
      .attribute(IFA_ADDRESS, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16)
      .number<std::uint32_t>(IFA_FLAGS, IFA_F_DADFAILED | IFA_F_TENTATIVE);
  const auto messages = *parse_rtnl(datagram.bytes());
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(std::get<AddressMessage>(messages[0]).address.str(), "192.0.2.11/24");
  const auto& second = std::get<AddressMessage>(messages[1]);
  EXPECT_EQ(second.address.str(), "2001:db8::1/64");
  EXPECT_TRUE(second.gone && second.duplicate && second.tentative);
}

TEST(Rtnl, ALengthThatDoesNotFitIsAnError) {
  auto datagram = link_datagram(3, "nic0", true);
  EXPECT_FALSE(parse_rtnl(datagram.bytes().first(40)));
  EXPECT_TRUE(parse_rtnl({})->empty());
}

// ---- the table ----

class Table : public ::testing::Test {
 protected:
  int reads_ = 0;
  LinkTable table_{[this](const std::string& name) {
    ++reads_;
    return LinkDetails{.hardware = name.starts_with("nic"), .driver = "ice", .pci = "0000:01:00.0", .speed = 25000};
  }};

  std::optional<int> take(const Datagram& datagram) { return table_.apply(parse_rtnl(datagram.bytes())->front()); }
};

TEST_F(Table, FollowsTheKernel) {
  EXPECT_EQ(take(link_datagram(3, "nic0", false)), 3);
  EXPECT_EQ(table_.find("nic0")->speed, 0) << "without carrier there is none";
  EXPECT_EQ(take(link_datagram(3, "nic0", false)), std::nullopt) << "nothing is new";
  EXPECT_EQ(take(link_datagram(3, "nic0", true)), 3);
  EXPECT_EQ(table_.find("nic0")->speed, 25000);
  EXPECT_EQ(table_.find_hardware("52:54:00:00:00:01"), table_.find(3));
  EXPECT_EQ(take(link_datagram(3, "nicX", true)), 3) << "a new name";
  EXPECT_EQ(table_.find("nic0"), nullptr);
  EXPECT_EQ(table_.find("nicX"), table_.find(3));
  auto gone = link_datagram(3, "nicX", true);
  ifinfomsg body{};
  body.ifi_index = 3;
  gone = {};
  gone.begin(RTM_DELLINK, body);
  EXPECT_EQ(take(gone), 3);
  EXPECT_TRUE(table_.links().empty());
  EXPECT_EQ(table_.find_hardware("52:54:00:00:00:01"), nullptr);
}

TEST_F(Table, ReadsSysfsOnlyWhenTheCarrierChanges) {
  take(link_datagram(3, "nic0", true));
  const auto before = reads_;
  auto more = link_datagram(3, "nic0", true);
  more.number<std::uint32_t>(IFLA_MTU, 1500);
  EXPECT_EQ(take(more), 3);
  EXPECT_EQ(reads_, before);
}

TEST_F(Table, KeepsAddressesByLink) {
  take(link_datagram(7, "bond0", true));
  const AddressMessage address{.gone = false, .index = 7, .address = *IpNet::parse("192.0.2.11/24")};
  EXPECT_EQ(table_.apply(address), 7);
  EXPECT_EQ(table_.apply(address), std::nullopt);
  EXPECT_EQ(table_.find(7)->addresses.size(), 1U);
  take(link_datagram(7, "bond0", false));
  EXPECT_EQ(table_.find(7)->addresses.size(), 1U) << "a message about the link says nothing about addresses";
  auto gone = address;
  gone.gone = true;
  EXPECT_EQ(table_.apply(gone), 7);
  EXPECT_TRUE(table_.find(7)->addresses.empty());
  auto elsewhere = address;
  elsewhere.index = 99;
  EXPECT_EQ(table_.apply(elsewhere), std::nullopt);
}

// The kernel of whoever runs this: it has a loopback interface, which the table leaves out.
TEST(Kernel, AnswersADump) {
  auto socket = RtnlSocket::open();
  ASSERT_TRUE(socket) << socket.error().text();
  bool loopback = false;
  ASSERT_TRUE(socket->dump([&](const RtnlMessage& message) {
    if (const auto* const link = std::get_if<LinkMessage>(&message)) loopback = loopback || link->name == "lo";
  }));
  EXPECT_TRUE(loopback);
  const auto links = observe_links();
  ASSERT_TRUE(links);
  for (const auto& link : *links) EXPECT_NE(link.name, "lo");
}

// ---- texts of others ----

TEST(BondingProc, PartnersByMember) {
  const auto partners = parse_bonding_proc(R"(Ethernet Channel Bonding Driver: v6.12

Bonding Mode: IEEE 802.3ad Dynamic link aggregation
802.3ad info
Active Aggregator Info:
	Partner Mac Address: 00:1b:21:00:00:0a

Slave Interface: nic0
MII Status: up
Aggregator ID: 1
details actor lacp pdu:
    system priority: 65535
    system mac address: 52:54:00:00:00:01
    port key: 21
    port state: 63
details partner lacp pdu:
    system priority: 65535
    system mac address: 00:1b:21:00:00:0a
    oper key: 15
    port priority: 255
    port number: 2
    port state: 61

Slave Interface: nic1
Aggregator ID: 2
details actor lacp pdu:
    port state: 71
details partner lacp pdu:
    system mac address: 00:00:00:00:00:00
    oper key: 1
    port state: 1
)");
  ASSERT_EQ(partners.size(), 2U);
  EXPECT_EQ(partners.at("nic0"), (LacpPartner{.mac = "00:1b:21:00:00:0a", .key = 15, .state = 61}));
  EXPECT_EQ(partners.at("nic1"), (LacpPartner{.mac = "00:00:00:00:00:00", .key = 1, .state = 1}));
  EXPECT_TRUE(parse_bonding_proc("Slave Interface: nic0\nMII Status: up\n").empty()) << "without CAP_NET_ADMIN";
}

TEST(Neighbours, OneOfEachInterface) {
  const auto found = parse_neighbours(
      R"({"Neighbors":[{"InterfaceIndex":3,"InterfaceName":"nic0","Neighbors":[{"ChassisID":"00:1b:21:00:00:0a",)"
      R"("PortID":"Ethernet1/7","PortDescription":"rack 4\u001b[2J","SystemName":"sw1"},{"SystemName":"other"}]},)"
      R"({"InterfaceName":"nic1","Neighbors":[{"ChassisID":"00:1b:21:00:00:0b","PortID":"7"}]},{"InterfaceName":"x"}]})");
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_EQ(found->at("nic0"), (Neighbour{.system = "sw1", .port = "Ethernet1/7", .description = "rack 4?[2J"}));
  EXPECT_EQ(found->at("nic1").system, "00:1b:21:00:00:0b") << "a switch without a name";
  EXPECT_EQ(found->size(), 2U);
  for (const auto* const bad : {"", "{}", "[]", R"({"Neighbors":3})"}) EXPECT_FALSE(parse_neighbours(bad)) << bad;
}

}  // namespace
}  // namespace loam::netcfg
