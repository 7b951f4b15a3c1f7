#include "cluster/manifest_writer.hpp"

#include <gtest/gtest.h>

#include "cluster/fake_kube.hpp"

namespace loam::cluster {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using End = Written::End;

constexpr const char* release_path = "/api/v1/namespaces/kube-system/configmaps/loam-release";

json object(const char* name) {
  return {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", name}, {"namespace", "a"}}}};
}

struct Manifests : ::testing::Test {
  ManifestWriter writer(const char* release, const char* self = "node-1") {
    return {api, {.self = self, .release = release, .compare = [](auto a, auto b) { return a <=> b; }}, time.clock()};
  }
  Written write(const char* release, const char* self = "node-1") {
    auto written = writer(release, self).write(objects);
    EXPECT_TRUE(written) << written.error().text();
    return written.value_or(Written{});
  }
  // Once, before a request that reads so.
  void on(std::string request, std::function<void()> deed) {
    api.before = [this, request = std::move(request), deed = std::move(deed)](const std::string& seen) {
      if (seen != request) return Answer<void>{};
      const auto once = deed;
      api.before = [](const std::string&) { return Answer<void>{}; };
      once();
      return Answer<void>{};
    };
  }

  FakeKube api;
  FakeTime time;
  std::vector<json> objects = {object("x"), object("y")};
};

TEST_F(Manifests, AreWrittenInOrderAndOnce) {
  const auto first = write("1");
  EXPECT_EQ(first.end, End::all);
  EXPECT_EQ(first.changed, 2U);
  EXPECT_EQ(api.applied, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(api.objects.at(release_path)["data"]["release"], "1");
  const auto before = api.objects;
  EXPECT_EQ(write("1").changed, 0U);
  EXPECT_EQ(api.objects.at(release_path), before.at(release_path));
}

TEST_F(Manifests, OfAnOlderReleaseAreNotWritten) {
  write("2");
  api.applied.clear();
  const auto older = write("1", "node-2");
  EXPECT_EQ(older.end, End::newer_release);
  EXPECT_EQ(older.why, "release 2 wrote the cluster's manifests, and this node runs 1, which is older");
  EXPECT_TRUE(api.applied.empty());
  EXPECT_EQ(api.objects.at(release_path)["data"]["release"], "2");
  EXPECT_EQ(write("3").end, End::all);
}

TEST_F(Manifests, AreWrittenByOne) {
  LeaseHolder other(api, "kube-system", "loam-manifests", "node-2", time.clock());
  ASSERT_TRUE(other.acquire(seconds(0)).value());
  time.meanwhile = [&] { EXPECT_TRUE(other.keep()); };
  const auto written = write("1");
  EXPECT_EQ(written.end, End::another_writes);
  EXPECT_EQ(written.why, "node-2 writes the cluster's manifests");
  EXPECT_TRUE(api.applied.empty());
}

TEST_F(Manifests, OfAWriterThatLostItsLeaseEndBeforeTheNextObject) {
  on("get y", [&] {
    time.passed += seconds(60);
    LeaseHolder other(api, "kube-system", "loam-manifests", "node-2", time.clock());
    ASSERT_TRUE(other.acquire(seconds(20)).value());
  });
  const auto written = writer("1").write(objects);
  ASSERT_FALSE(written);
  EXPECT_TRUE(written.error().text().contains("ConfigMap a/y: the Lease kube-system/loam-manifests was lost to node-2"))
      << written.error().text();
  EXPECT_EQ(api.applied, (std::vector<std::string>{"x"}));
}

// It looked at the Lease and slept; a newer release came and went meanwhile.
TEST_F(Manifests, OfAWriterThatSleptNeverReplaceThoseOfANewerRelease) {
  write("1");
  objects[1]["data"] = {{"of", "1, late"}};
  on("apply y", [&] {
    api.objects.at("/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/loam-manifests")["spec"].erase(
        "holderIdentity");
    const auto kept = std::exchange(objects[1]["data"], json{{"of", "2"}});
    EXPECT_EQ(write("2", "node-2").end, End::all);
    objects[1]["data"] = kept;
  });
  const std::vector<json> late = objects;
  const auto written = writer("1").write(late);
  ASSERT_TRUE(written) << written.error().text();
  EXPECT_EQ(written->end, End::newer_release);
  EXPECT_EQ(api.objects.at("/api/v1/namespaces/a/configmaps/y")["data"]["of"], "2");
}

TEST_F(Manifests, RaiseTheReleaseAgainThatSomebodyTookAway) {
  on("get y", [&] { api.objects.erase(release_path); });
  EXPECT_EQ(write("1").end, End::all);
  EXPECT_EQ(api.objects.at(release_path)["data"]["release"], "1");
}

TEST_F(Manifests, BearAControllerThatWritesMeanwhile) {
  write("1");
  objects[1]["data"] = {{"new", "1"}};
  on("apply y", [&] { api.objects.at("/api/v1/namespaces/a/configmaps/y")["metadata"]["resourceVersion"] = "99"; });
  EXPECT_EQ(write("1").changed, 1U);
}

TEST_F(Manifests, WaitForAKindThatWasJustMade) {
  objects.push_back({{"apiVersion", "loam.dev/v1"}, {"kind", "New"}, {"metadata", {{"name", "z"}}}});
  api.unknown_kind = "New";
  api.unknown_for = 3;
  EXPECT_EQ(write("1").changed, 3U);
  api.unknown_for = 1000;
  const auto failed = writer("1").write(objects);
  ASSERT_FALSE(failed);
  EXPECT_TRUE(failed.error().text().contains("New z: the API serves no New")) << failed.error().text();
}

TEST_F(Manifests, NeedAReleaseThatCanBeRead) {
  api.objects[release_path] = {{"data", json::object()}};
  const auto failed = writer("1").write(objects);
  ASSERT_FALSE(failed);
  EXPECT_TRUE(failed.error().text().contains("does not say which release wrote last"));
  EXPECT_TRUE(api.applied.empty());
}

}  // namespace
}  // namespace loam::cluster
