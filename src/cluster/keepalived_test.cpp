#include "cluster/keepalived.hpp"

#include <gtest/gtest.h>

namespace loam::cluster {
namespace {

TEST(Keepalived, SpeaksToItsPeersOnly) {
  const auto text = keepalived_config(
      {.address = "192.0.2.5/24", .link = "bond0", .own = "192.0.2.10", .peers = {"192.0.2.11", "192.0.2.12"}});
  EXPECT_TRUE(text.contains("unicast_src_ip 192.0.2.10\n"));
  EXPECT_TRUE(text.contains("    unicast_peer {\n        192.0.2.11\n        192.0.2.12\n    }\n")) << text;
  EXPECT_TRUE(text.contains("interface bond0\n"));
  EXPECT_TRUE(text.contains("        192.0.2.5/24\n"));
}

TEST(Keepalived, AloneHasNoPeers) {
  EXPECT_FALSE(keepalived_config({.address = "192.0.2.5/24", .link = "bond0", .own = "192.0.2.10", .peers = {}})
                   .contains("unicast_peer"));
}

// fall of the script must not put the instance into the state FAULT: that takes a weight.
TEST(Keepalived, AnApiThatIsDownTakesNothingAway) {
  EXPECT_TRUE(keepalived_config({.address = "2001:db8::5/64", .link = "bond0", .own = "2001:db8::a", .peers = {}})
                  .contains("weight 50\n"));
}

TEST(Keepalived, RouterNumbersAreThoseOfVrrp) {
  for (const auto* const address : {"192.0.2.5/24", "10.0.0.1/8", "2001:db8::5/64", "0.0.0.0/0"}) {
    EXPECT_GE(router_id(address), 1U);
    EXPECT_LE(router_id(address), 255U);
  }
  EXPECT_NE(router_id("192.0.2.5/24"), router_id("192.0.2.6/24"));
}

}  // namespace
}  // namespace loam::cluster
