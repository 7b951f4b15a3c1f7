// The client, the Lease, Machines and the writer of manifests against a real kube-apiserver. qa/engine/test_kube_api.py
// starts one and names its kubeconfig in LOAM_KUBE_API; beside that lie node-1.conf and node-2.conf (kubelets),
// nobody.conf (another cluster's certificate) and impostor.conf (another cluster's authority).
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <format>
#include <functional>
#include <iostream>
#include <memory>
#include <thread>
#include <utility>

#include "cluster/example_machine.hpp"
#include "cluster/kube_client.hpp"
#include "cluster/lease_holder.hpp"
#include "cluster/machine.hpp"
#include "cluster/manifest_writer.hpp"

namespace loam::cluster {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Resource config_maps{.api = "v1", .plural = "configmaps", .space = "default"};
const Resource pods{.api = "v1", .plural = "pods", .space = "default"};

json config_map(const std::string& name, const char* value) {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", {{"name", name}, {"namespace", "default"}, {"labels", {{"of", "test"}}}}},
          {"data", {{"key", value}}}};
}

template <typename T>
std::string words(const Answer<T>& answer) {
  return answer ? "it worked" : answer.error().text();
}

// What a server does a moment later, such as to take a policy into use.
bool eventually(const std::function<bool()>& happened) {
  const auto until = std::chrono::steady_clock::now() + seconds(60);
  while (!happened()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(milliseconds(200));
  }
  return true;
}

struct KubeApi : ::testing::Test {
  static const char* admin_path() {
    return std::getenv("LOAM_KUBE_API");  // NOLINT(concurrency-mt-unsafe): nobody changes it
  }
  void SetUp() override {
    if (admin_path() == nullptr) GTEST_SKIP() << "LOAM_KUBE_API names no kubeconfig: qa/engine/test_kube_api.py does";
  }
  static Kubeconfig config(const char* name) {
    auto read = read_kubeconfig(std::filesystem::path(admin_path()).parent_path() / name);
    EXPECT_TRUE(read) << read.error().text();
    return read.value_or(Kubeconfig{});
  }
  static std::unique_ptr<KubeClient> client(const char* name = "admin.conf") {
    return std::make_unique<KubeClient>(config(name));
  }
  static json applied(KubeClient& api, const Resource& resource, const json& object) {
    auto answer = api.apply(resource, object, {});
    EXPECT_TRUE(answer) << words(answer);
    return answer.value_or(json::object());
  }
};

TEST_F(KubeApi, ListsByPages) {
  const auto api = client();
  for (int i = 0; i < 7; ++i) applied(*api, config_maps, config_map(std::format("page-{}", i), "x"));
  const Selector ours{.labels = "of=test", .fields = ""};
  std::size_t pages = 0;
  std::size_t items = 0;
  std::string next;
  do {
    const auto page = api->list(config_maps, ours, 3, next);
    ASSERT_TRUE(page) << words(page);
    EXPECT_LE(page->items.size(), 3U);
    items += page->items.size();
    next = page->next;
    ++pages;
  } while (!next.empty());
  EXPECT_EQ(pages, 3U);
  EXPECT_EQ(items, 7U);
  const auto all = api->list_all(config_maps, {.labels = "of=test", .fields = "metadata.name=page-3"});
  ASSERT_TRUE(all) << words(all);
  EXPECT_EQ(all->items.size(), 1U);
}

TEST_F(KubeApi, ReadsNoMoreThanItsLimitAtOnce) {
  const auto api = client();
  constexpr int count = 18;
  const std::string megabyte(1'000'000, 'x');
  const auto name = [](int i) { return std::format("large-{}", i); };
  for (int i = 0; i < count; ++i) applied(*api, config_maps, config_map(name(i), megabyte.c_str()));
  const auto at_once = api->list(config_maps, {}, 500);
  ASSERT_FALSE(at_once);
  EXPECT_EQ(at_once.error().fault, Fault::too_large) << words(at_once);
  const auto all = api->list_all(config_maps);
  ASSERT_TRUE(all) << words(all);
  EXPECT_GE(all->items.size(), static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) EXPECT_TRUE(api->remove(config_maps, name(i), ""));
}

TEST_F(KubeApi, WatchesFromWhereAListEnded) {
  const auto api = client();
  const auto list = api->list_all(config_maps);
  ASSERT_TRUE(list) << words(list);
  applied(*api, config_maps, config_map("watched", "1"));
  const auto changed = applied(*api, config_maps, config_map("watched", "2"));
  ASSERT_TRUE(api->remove(config_maps, "watched", changed["metadata"]["uid"]));
  std::vector<WatchEvent::Type> seen;
  const auto watched = api->watch(config_maps,
                                  {.from = list->resource_version,
                                   .selector = {.labels = "", .fields = "metadata.name=watched"},
                                   .limit = seconds(20)},
                                  [&](const WatchEvent& event) {
                                    seen.push_back(event.type);
                                    return event.type != WatchEvent::Type::deleted;
                                  });
  ASSERT_TRUE(watched) << words(watched);
  EXPECT_EQ(watched->end, Watched::End::stopped);
  using Type = WatchEvent::Type;
  EXPECT_EQ(seen, (std::vector{Type::added, Type::modified, Type::deleted}));
}

// What the watch does not show moves it on, too: else it would begin where nothing is known any more.
TEST_F(KubeApi, GoesOnByBookmarks) {
  const auto api = client();
  const auto list = api->list_all(config_maps);
  ASSERT_TRUE(list) << words(list);
  std::string version;
  std::jthread other([&] {
    std::this_thread::sleep_for(seconds(1));  // the server tells of what comes while the watch is there
    const auto mine = client();
    version = resource_version_of(applied(*mine, config_maps, config_map("not-watched", "1")));
  });
  const auto quiet = api->watch(
      config_maps,
      {.from = list->resource_version, .selector = {.labels = "of=nothing", .fields = ""}, .limit = seconds(6)},
      [](const WatchEvent&) { return true; });
  other.join();
  ASSERT_TRUE(quiet) << words(quiet);
  EXPECT_EQ(quiet->end, Watched::End::over);
  EXPECT_GE(std::stoll(quiet->from), std::stoll(version));
}

// The API server of this test keeps no Secrets in memory, and has etcd forget what is older than some seconds.
TEST_F(KubeApi, SaysThatAVersionIsGone) {
  const auto api = client();
  const Resource secrets{.api = "v1", .plural = "secrets", .space = "default"};
  EXPECT_TRUE(eventually([&] {
    const auto watched =
        api->watch(secrets, {.from = "1", .selector = {}, .limit = seconds(2)}, [](const WatchEvent&) { return true; });
    EXPECT_TRUE(watched) << words(watched);
    return watched && watched->end == Watched::End::gone;
  }));
}

TEST_F(KubeApi, AppliesWithoutChangeTheSecondTime) {
  const auto api = client();
  const auto first = applied(*api, config_maps, config_map("twice", "x"));
  const auto second = applied(*api, config_maps, config_map("twice", "x"));
  EXPECT_EQ(resource_version_of(first), resource_version_of(second));
  const auto other = api->apply(config_maps, config_map("twice", "y"), {.manager = "other", .force = false});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().fault, Fault::conflict);
  EXPECT_TRUE(words(other).contains(".data.key")) << words(other);
  auto stale = config_map("twice", "z");
  stale["metadata"]["resourceVersion"] = "1";
  const auto late = api->apply(config_maps, stale, {});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().fault, Fault::conflict);
}

TEST_F(KubeApi, RefusesAFieldThatItDoesNotKnow) {
  const auto api = client();
  auto wrong = config_map("wrong", "x");
  wrong["dta"] = {{"key", "y"}};
  for (const auto& answer : {api->apply(config_maps, wrong, {}), api->create(config_maps, wrong)}) {
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().fault, Fault::invalid);
    EXPECT_TRUE(words(answer).contains("dta")) << words(answer);
    std::cout << words(answer) << '\n';
  }
  auto type = config_map("wrong", "x");
  type["data"] = "text";
  EXPECT_FALSE(api->apply(config_maps, type, {}));
  auto name = config_map("Not_A_Name", "x");
  const auto invalid = api->create(config_maps, name);
  ASSERT_FALSE(invalid);
  EXPECT_EQ(invalid.error().fault, Fault::invalid) << words(invalid);
  EXPECT_EQ(invalid.error().status, 422);
}

TEST_F(KubeApi, DeletesOnlyTheOneThatIsMeant) {
  const auto api = client();
  const auto made = applied(*api, config_maps, config_map("deleted", "x"));
  const auto other = api->remove(config_maps, "deleted", "00000000-0000-4000-8000-000000000000");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().fault, Fault::conflict) << words(other);
  EXPECT_TRUE(api->remove(config_maps, "deleted", made["metadata"]["uid"]));
  const auto gone = api->get(config_maps, "deleted");
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().fault, Fault::not_found);
  EXPECT_EQ(gone.error().reason, "NotFound");
}

TEST_F(KubeApi, TellsApartWhyItCannotBeAsked) {
  const auto fault = [](Kubeconfig config, const char* expected) {
    KubeClient api(std::move(config), seconds(10));
    const auto answer = api.get(config_maps, "x");
    EXPECT_FALSE(answer);
    if (answer) return Fault::other;
    std::cout << words(answer) << '\n';
    EXPECT_TRUE(words(answer).contains(expected)) << words(answer);
    EXPECT_FALSE(words(answer).contains("PRIVATE KEY"));
    return answer.error().fault;
  };
  EXPECT_EQ(fault(config("impostor.conf"), "another cluster's"), Fault::tls);
  EXPECT_EQ(fault(config("nobody.conf"), "401 Unauthorized"), Fault::unauthorized);
  auto moved = config("admin.conf");
  moved.server = "https://127.0.0.1:1";
  EXPECT_EQ(fault(moved, "kube-apiserver"), Fault::unreachable);
  auto renamed = config("admin.conf");
  renamed.server.replace(renamed.server.find("127.0.0.1"), 9, "localhost");  // not in its certificate
  EXPECT_EQ(fault(renamed, "another cluster's"), Fault::tls);
  auto mixed = config("admin.conf");
  mixed.key = config("node-1.conf").key;
  EXPECT_EQ(fault(mixed, "do not fit each other"), Fault::tls);
  const auto node = client("node-1.conf");
  const auto forbidden = node->list_all({.api = "v1", .plural = "secrets", .space = "kube-system"});
  ASSERT_FALSE(forbidden);
  EXPECT_EQ(forbidden.error().fault, Fault::forbidden) << words(forbidden);
}

TEST_F(KubeApi, GivesALeaseToOneOfTwo) {
  const auto first = client();
  const auto second = client();
  LeaseHolder a(*first, "kube-system", "loam-test", "a", real_clock(), seconds(3));
  LeaseHolder b(*second, "kube-system", "loam-test", "b", real_clock(), seconds(3));
  const auto taken = a.acquire(seconds(0));
  ASSERT_TRUE(taken && *taken) << words(taken);
  const auto refused = b.acquire(seconds(0));
  ASSERT_TRUE(refused) << words(refused);
  EXPECT_FALSE(*refused);
  const auto inherited = b.acquire(seconds(20));  // a does not renew it
  ASSERT_TRUE(inherited && *inherited) << words(inherited);
  const auto stale = a.keep();
  ASSERT_FALSE(stale);
  EXPECT_TRUE(words(stale).contains("was lost to b")) << words(stale);
  b.release();
  const auto again = a.acquire(seconds(0));
  EXPECT_TRUE(again && *again) << words(again);
  a.release();
}

Answer<Written> write(KubePort& api, const char* release, const std::vector<json>& objects) {
  return ManifestWriter(api, {.self = std::format("test-{}", release),
                              .release = release,
                              .compare = [](auto a, auto b) { return a <=> b; }})
      .write(objects);
}

// All Machines of this file: their kind is there once, their policy too.
struct Machines : KubeApi {
  void SetUp() override {
    KubeApi::SetUp();
    if (IsSkipped()) return;
    const auto api = client();
    const auto written = write(*api, "5", machine_manifests());
    ASSERT_TRUE(written) << words(written);
    ASSERT_EQ(written->end, Written::End::all) << written->why;
    const auto node = client("node-2.conf");
    ASSERT_TRUE(eventually([&] {
      const auto answer = node->apply(machines(), machine("probe"), {});
      return !answer && words(answer).contains("of its own node only");
    }));
    // Made in the moment before the policy was in use.
    const auto left = api->remove(machines(), "probe", "");
    ASSERT_TRUE(left || left.error().fault == Fault::not_found) << words(left);
  }
};

TEST_F(Machines, AreWrittenOnceByTheWriter) {
  const auto api = client();
  const auto crds = Resource{.api = "apiextensions.k8s.io/v1", .plural = "customresourcedefinitions", .space = ""};
  const auto before = api->get(crds, "machines.loam.dev");
  ASSERT_TRUE(before) << words(before);
  const auto again = write(*api, "5", machine_manifests());
  ASSERT_TRUE(again) << words(again);
  EXPECT_EQ(again->changed, 0U);
  const auto after = api->get(crds, "machines.loam.dev");
  ASSERT_TRUE(after);
  EXPECT_EQ(resource_version_of(*before), resource_version_of(*after));
  for (const auto& condition : (*after)["status"]["conditions"]) {
    EXPECT_NE(condition["type"], "NonStructuralSchema");
    EXPECT_EQ(condition["status"], "True") << condition.dump();
  }
}

TEST_F(Machines, OfAnOlderReleaseAreRefused) {
  const auto api = client();
  const auto older = write(*api, "4", {config_map("older", "x")});
  ASSERT_TRUE(older) << words(older);
  EXPECT_EQ(older->end, Written::End::newer_release);
  EXPECT_EQ(older->why, "release 5 wrote the cluster's manifests, and this node runs 4, which is older");
  EXPECT_FALSE(api->get(config_maps, "older"));
}

TEST_F(Machines, AreWrittenByTheirNodeOnly) {
  const auto node_1 = client("node-1.conf");
  const auto node_2 = client("node-2.conf");
  const auto admin = client();
  const auto made = applied(*node_1, machines(), machine("node-1"));
  const auto again = applied(*node_1, machines(), machine("node-1"));
  EXPECT_EQ(resource_version_of(made), resource_version_of(again));
  const auto own = node_1->apply_status(machines(), machine_with_status("node-1", example_status()), {});
  ASSERT_TRUE(own) << words(own);
  EXPECT_EQ((*own)["status"]["bondSummary"], "bond0 1/2");
  const auto twice = node_1->apply_status(machines(), machine_with_status("node-1", example_status()), {});
  ASSERT_TRUE(twice) << words(twice);
  EXPECT_EQ(resource_version_of(*own), resource_version_of(*twice));

  for (const auto& refused :
       {node_2->apply_status(machines(), machine_with_status("node-1", example_status()), {}),
        node_2->apply(machines(), machine("node-1"), {}), node_2->create(machines(), machine("node-3"))}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::forbidden);
    EXPECT_TRUE(words(refused).contains("system:node:node-2 may write the Machine of its own node only, not node-"))
        << words(refused);
    std::cout << words(refused) << '\n';
  }
  const auto seen = node_2->list_all(machines());
  ASSERT_TRUE(seen) << words(seen);
  EXPECT_EQ(seen->items.size(), 1U);
  EXPECT_EQ(node_2->remove(machines(), "node-1", "").error_or(Error("")).fault, Fault::forbidden);
  EXPECT_TRUE(admin->apply_status(machines(), machine_with_status("node-1", example_status()), {})) << "no node";
}

TEST_F(Machines, CarryNothingOfTheirNodeButAStatus) {
  const auto node = client("node-1.conf");
  applied(*node, machines(), machine("node-1"));
  for (const auto* const field : {"labels", "annotations"}) {
    auto marked = machine("node-1");
    marked["metadata"][field] = {{"a", "b"}};
    const auto refused = node->apply(machines(), marked, {});
    ASSERT_FALSE(refused) << field;
    EXPECT_TRUE(words(refused).contains("writes no labels, annotations, finalizers and owners")) << words(refused);
  }
  auto kept = machine("node-1");
  kept["metadata"]["finalizers"] = {"loam.dev/for-ever"};
  EXPECT_FALSE(node->apply(machines(), kept, {}));
  auto unknown = machine_with_status("node-1", example_status());
  unknown["status"]["relese"] = "x";
  const auto strict = node->apply_status(machines(), unknown, {});
  ASSERT_FALSE(strict);
  EXPECT_TRUE(words(strict).contains("relese")) << words(strict);
}

// The API for one that falls asleep right before it applies.
class Sleepy : public KubePort {
 public:
  Sleepy(KubeClient& api, std::function<void()> meanwhile) : api_(&api), meanwhile_(std::move(meanwhile)) {}
  Answer<Resource> resource_of(const json& object) override { return api_->resource_of(object); }
  Answer<json> get(const Resource& resource, std::string_view name) override { return api_->get(resource, name); }
  Answer<json> create(const Resource& resource, const json& object) override { return api_->create(resource, object); }
  Answer<json> replace(const Resource& resource, const json& object) override {
    return api_->replace(resource, object);
  }
  Answer<json> apply(const Resource& resource, const json& object, const ApplyOptions& options) override {
    if (meanwhile_) std::exchange(meanwhile_, {})();
    return api_->apply(resource, object, options);
  }

 private:
  KubeClient* api_;
  std::function<void()> meanwhile_;
};

TEST_F(Machines, OfAWriterThatSleptNeverReplaceThoseOfANewerRelease) {
  const auto api = client();
  const auto other = client();
  applied(*api, config_maps, config_map("fenced", "of nobody"));
  Sleepy sleepy(*api, [&] {
    const Resource leases{.api = "coordination.k8s.io/v1", .plural = "leases", .space = "kube-system"};
    auto lease = other->get(leases, "loam-manifests");
    ASSERT_TRUE(lease) << words(lease);
    (*lease)["spec"].erase("holderIdentity");  // its time was over
    ASSERT_TRUE(other->replace(leases, *lease));
    const auto newer = write(*other, "6", {config_map("fenced", "of 6")});
    ASSERT_TRUE(newer && newer->changed == 1) << words(newer);
  });
  const auto late = write(sleepy, "5", {config_map("fenced", "of 5")});
  const auto kept = api->get(config_maps, "fenced");
  EXPECT_TRUE(api->remove({.api = "v1", .plural = "configmaps", .space = "kube-system"}, "loam-release", ""));
  ASSERT_TRUE(late) << words(late);
  EXPECT_EQ(late->end, Written::End::newer_release);
  ASSERT_TRUE(kept) << words(kept);
  EXPECT_EQ((*kept)["data"]["key"], "of 6");
}

json pod(const char* name, const char* app) {
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", {{"name", name}, {"namespace", "default"}, {"labels", {{"app", app}}}}},
          {"spec",
           {{"terminationGracePeriodSeconds", 0},
            {"automountServiceAccountToken", false},
            {"containers", json::array({{{"name", "c"}, {"image", "none"}}})}}}};
}

json running(const char* name) {
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", {{"name", name}, {"namespace", "default"}}},
          {"status", {{"phase", "Running"}, {"conditions", json::array({{{"type", "Ready"}, {"status", "True"}}})}}}};
}

// Nobody counts the pods here, as the controller manager would: no disruption is allowed until it has.
TEST_F(KubeApi, EvictsWhatNoBudgetHolds) {
  const auto api = client();
  const auto budgets = Resource{.api = "policy/v1", .plural = "poddisruptionbudgets", .space = "default"};
  applied(*api, budgets,
          {{"apiVersion", "policy/v1"},
           {"kind", "PodDisruptionBudget"},
           {"metadata", {{"name", "held"}, {"namespace", "default"}}},
           {"spec", {{"minAvailable", 1}, {"selector", {{"matchLabels", {{"app", "held"}}}}}}}});
  for (const auto* const name : {"held", "free"}) {
    applied(*api, pods, pod(name, name));
    const auto started = api->apply_status(pods, running(name), {.manager = "kubelet", .force = true});
    ASSERT_TRUE(started) << words(started);
  }
  const auto held = api->evict("default", "held");
  ASSERT_TRUE(held) << words(held);
  EXPECT_FALSE(held->done);
  EXPECT_TRUE(held->why_not.contains("disruption budget")) << held->why_not;
  std::cout << held->why_not << '\n';
  const auto other = api->evict("default", "free", "00000000-0000-4000-8000-000000000000");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().fault, Fault::conflict) << words(other);
  const auto freed = api->evict("default", "free");
  ASSERT_TRUE(freed) << words(freed);
  EXPECT_TRUE(freed->done);
  EXPECT_TRUE(eventually([&] { return !api->get(pods, "free"); }));
  EXPECT_EQ(api->evict("default", "free").error_or(Error("")).fault, Fault::not_found);
}

}  // namespace
}  // namespace loam::cluster
