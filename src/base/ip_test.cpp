#include "base/ip.hpp"

#include <gtest/gtest.h>

namespace loam {
namespace {

IpNet net(std::string_view text) { return *IpNet::parse(text); }
IpAddr address(std::string_view text) { return *IpAddr::parse(text); }

TEST(Ip, BothFamiliesBothWays) {
  for (const auto* const text : {"0.0.0.0", "192.0.2.10", "255.255.255.255", "::", "::1", "2001:db8::1", "fe80::1"})
    EXPECT_EQ(address(text).str(), text);
  EXPECT_EQ(address("2001:DB8:0:0::1"), address("2001:db8::1"));
  for (const auto* const bad : {"", "1.2.3", "1.2.3.4.5", "256.0.0.1", "1.2.3.4/8", ":::", "g::", "fe80::1%eth0"})
    EXPECT_FALSE(IpAddr::parse(bad)) << bad;
  for (const auto* const bad :
       {"", "/", "10.0.0.1", "10.0.0.1/", "10.0.0.1/33", "10.0.0.1/-1", "10.0.0.1/8x", "::/129"})
    EXPECT_FALSE(IpNet::parse(bad)) << bad;
}

TEST(Ip, NetworkAndBroadcast) {
  EXPECT_EQ(net("192.0.2.77/26").network().str(), "192.0.2.64/26");
  EXPECT_EQ(net("192.0.2.77/26").broadcast().str(), "192.0.2.127");
  EXPECT_EQ(net("10.1.2.3/0").network().str(), "0.0.0.0/0");
  EXPECT_EQ(net("10.1.2.3/32").network().str(), "10.1.2.3/32");
  EXPECT_EQ(net("2001:db8::ffff/65").network().str(), "2001:db8::/65");
  EXPECT_TRUE(net("10.0.0.0/8").is_network());
  EXPECT_FALSE(net("10.0.0.1/8").is_network());
}

TEST(Ip, ContainsAndOverlaps) {
  EXPECT_TRUE(net("192.0.2.1/24").contains(address("192.0.2.254")));
  EXPECT_FALSE(net("192.0.2.1/24").contains(address("192.0.3.1")));
  EXPECT_FALSE(net("0.0.0.0/0").contains(address("::1")));
  EXPECT_TRUE(net("10.0.0.0/8").overlaps(net("10.96.0.0/12")));
  EXPECT_TRUE(net("10.96.0.0/12").overlaps(net("10.0.0.0/8")));
  EXPECT_FALSE(net("10.96.0.0/12").overlaps(net("10.244.0.0/16")));
  EXPECT_FALSE(net("0.0.0.0/0").overlaps(net("::/0")));
}

TEST(Ip, Kinds) {
  EXPECT_TRUE(address("127.0.0.5").is_loopback() && address("::1").is_loopback());
  EXPECT_TRUE(address("224.0.0.1").is_multicast() && address("255.255.255.255").is_multicast() &&
              address("ff02::1").is_multicast());
  EXPECT_TRUE(address("169.254.1.1").is_link_local() && address("febf::1").is_link_local());
  EXPECT_FALSE(address("192.0.2.1").is_multicast() || address("2001:db8::1").is_link_local());
}

}  // namespace
}  // namespace loam
