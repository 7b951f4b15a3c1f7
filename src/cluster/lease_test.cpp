#include "cluster/lease.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace loam::cluster {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Steady start{seconds(1000)};
constexpr Wall today{seconds(1'800'000'000)};

Lease of(const char* holder) {
  return {.holder = holder, .duration = seconds(15), .acquired = "", .renewed = "", .transitions = 3, .version = "7"};
}

TEST(Lease, IsTakenFromWhoIsNotAlive) {
  EXPECT_EQ(next_lease_step({}, "a", start, start), LeaseStep::create);
  EXPECT_EQ(next_lease_step(of("a"), "a", start, start + seconds(99)), LeaseStep::renew);
  EXPECT_EQ(next_lease_step(of("b"), "a", start, start), LeaseStep::wait);
  EXPECT_EQ(next_lease_step(of("b"), "a", start, start + seconds(15)), LeaseStep::wait);
  EXPECT_EQ(next_lease_step(of("b"), "a", start, start + milliseconds(15'001)), LeaseStep::take);
  EXPECT_EQ(next_lease_step(of(""), "a", start, start), LeaseStep::take) << "its holder let go of it";
}

TEST(Lease, CountsWhoHadIt) {
  const auto made = lease_after(LeaseStep::create, {}, "a", seconds(15), today);
  EXPECT_EQ(made.holder, "a");
  EXPECT_EQ(made.transitions, 0);
  EXPECT_EQ(made.version, "");
  const auto taken = lease_after(LeaseStep::take, of("b"), "a", seconds(15), today);
  EXPECT_EQ(taken.holder, "a");
  EXPECT_EQ(taken.transitions, 4);
  EXPECT_EQ(taken.version, "7") << "the one that was read, and no other";
  EXPECT_EQ(taken.acquired, "2027-01-15T08:00:00.000000Z");
  auto held = of("a");
  held.acquired = "then";
  const auto renewed = lease_after(LeaseStep::renew, held, "a", seconds(15), today + seconds(1));
  EXPECT_EQ(renewed.acquired, "then");
  EXPECT_EQ(renewed.renewed, "2027-01-15T08:00:01.000000Z");
  EXPECT_EQ(renewed.transitions, 3);
}

TEST(Lease, IsReadAsItWasWritten) {
  const auto lease = lease_after(LeaseStep::take, of("b"), "a", seconds(20), today);
  const auto read = parse_lease(lease_object("kube-system", "loam-manifests", lease));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(*read, lease);
}

TEST(Lease, TakesWhateverOthersLeftInIt) {
  const auto bare = parse_lease({{"metadata", {{"resourceVersion", "1"}}}, {"spec", json::object()}});
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->holder, "");
  EXPECT_FALSE(parse_lease({{"metadata", {{"resourceVersion", "1"}}}}));
  EXPECT_FALSE(parse_lease({{"metadata", {{"resourceVersion", "1"}}}, {"spec", {{"leaseDurationSeconds", "long"}}}}));
  EXPECT_FALSE(parse_lease(json::array()));
}

}  // namespace
}  // namespace loam::cluster
