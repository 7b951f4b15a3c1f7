#include "cluster/lease_holder.hpp"

#include <gtest/gtest.h>

#include "cluster/fake_kube.hpp"

namespace loam::cluster {
namespace {

using std::chrono::seconds;

constexpr const char* path = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/loam";

struct LeaseOfTwo : ::testing::Test {
  LeaseHolder holder(const char* name) { return {api, "kube-system", "loam", name, time.clock()}; }
  std::string held_by() { return api.objects.at(path)["spec"].value("holderIdentity", ""); }

  FakeKube api;
  FakeTime time;
  LeaseHolder a = holder("a");
  LeaseHolder b = holder("b");
};

TEST_F(LeaseOfTwo, IsHeldByOne) {
  EXPECT_TRUE(a.acquire(seconds(0)).value());
  EXPECT_FALSE(b.acquire(seconds(0)).value());
  EXPECT_EQ(b.holder(), "a");
  a.release();
  EXPECT_TRUE(b.acquire(seconds(0)).value()) << "it was let go";
  EXPECT_FALSE(a.keep());
}

TEST_F(LeaseOfTwo, OneThatIsAliveKeepsIt) {
  ASSERT_TRUE(a.acquire(seconds(0)).value());
  time.meanwhile = [&] { EXPECT_TRUE(a.keep()); };
  EXPECT_FALSE(b.acquire(seconds(60)).value());
}

TEST_F(LeaseOfTwo, OneThatDiedLosesItAndIsRefused) {
  ASSERT_TRUE(a.acquire(seconds(0)).value());
  EXPECT_TRUE(b.acquire(seconds(60)).value());
  EXPECT_EQ(time.passed, seconds(16)) << "its time, seen by b itself, and no longer";
  EXPECT_EQ(held_by(), "b");
  const auto kept = a.keep();
  ASSERT_FALSE(kept);
  EXPECT_TRUE(kept.error().text().contains("was lost to b")) << kept.error().text();
}

TEST_F(LeaseOfTwo, OfTwoAtOnceOneGetsIt) {
  bool raced = false;
  api.before = [&](const std::string& request) {
    if (request == "create loam" && !std::exchange(raced, true)) {
      EXPECT_TRUE(b.acquire(seconds(0)).value());
    }
    return Answer<void>{};
  };
  EXPECT_FALSE(a.acquire(seconds(0)).value());
  EXPECT_EQ(held_by(), "b");
}

TEST_F(LeaseOfTwo, ALabelOfSomebodyElseCostsNothing) {
  ASSERT_TRUE(a.acquire(seconds(0)).value());
  api.objects.at(path)["metadata"]["resourceVersion"] = "999";
  time.passed += seconds(6);
  EXPECT_TRUE(a.keep());
}

TEST_F(LeaseOfTwo, AnApiThatIsAwayIsBorneForAWhile) {
  ASSERT_TRUE(a.acquire(seconds(0)).value());
  api.before = [](const std::string&) {
    return Answer<void>(std::unexpected(KubeError(Error("away"), Fault::unreachable)));
  };
  time.passed += seconds(9);
  EXPECT_TRUE(a.keep());
  time.passed += seconds(2);
  const auto kept = a.keep();
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().fault, Fault::unreachable);
  EXPECT_TRUE(kept.error().text().contains("cannot be renewed: away"));
}

TEST_F(LeaseOfTwo, ARenewalThatTookTooLongIsNoRenewal) {
  ASSERT_TRUE(a.acquire(seconds(0)).value());
  api.before = [&](const std::string& request) {
    if (request == "replace loam") time.passed += seconds(20);
    return Answer<void>{};
  };
  time.passed += seconds(6);
  EXPECT_FALSE(a.keep());
}

}  // namespace
}  // namespace loam::cluster
