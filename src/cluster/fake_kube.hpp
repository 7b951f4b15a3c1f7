// For tests: an API server in memory, with resource versions and the conflicts that follow from them.
#pragma once

#include <algorithm>
#include <cctype>
#include <format>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cluster/kube_port.hpp"
#include "cluster/lease_holder.hpp"

namespace loam::cluster {

class FakeKube : public KubePort {
 public:
  using json = nlohmann::json;

  // Called before each request with "apply x": others may do something in between, or it fails.
  std::function<Answer<void>(const std::string& request)> before = [](const std::string&) { return Answer<void>{}; };
  std::vector<std::string> applied;
  std::map<std::string, json> objects;  // by path

  Answer<Resource> resource_of(const json& object) override {
    const auto kind = object.at("kind").get<std::string>();
    if (kind == unknown_kind && unknown_for-- > 0)
      return std::unexpected(KubeError(Error("the API serves no " + kind), Fault::not_found));
    auto plural = kind + "s";
    std::ranges::transform(plural, plural.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return Resource{
        .api = object.at("apiVersion"), .plural = plural, .space = object.at("metadata").value("namespace", "")};
  }
  Answer<json> get(const Resource& resource, std::string_view name) override {
    LOAM_CHECK(before(std::format("get {}", name)));
    const auto found = objects.find(path_of(resource, name));
    if (found == objects.end()) return problem(404);
    return found->second;
  }
  Answer<json> create(const Resource& resource, const json& object) override {
    LOAM_CHECK(before("create " + name_of(object)));
    if (objects.contains(path_of(resource, name_of(object)))) return problem(409);
    return store(resource, object);
  }
  Answer<json> replace(const Resource& resource, const json& object) override {
    LOAM_CHECK(before("replace " + name_of(object)));
    LOAM_CHECK(check_version(resource, object, true));
    return store(resource, object);
  }
  Answer<json> apply(const Resource& resource, const json& object, const ApplyOptions& /*options*/) override {
    LOAM_CHECK(before("apply " + name_of(object)));
    LOAM_CHECK(check_version(resource, object, false));
    applied.push_back(name_of(object));
    return store(resource, object);
  }

  std::string unknown_kind;  // for so many questions
  int unknown_for = 0;

 private:
  static std::unexpected<KubeError> problem(int status) {
    return std::unexpected(error_of_answer("fake", status, R"({"kind": "Status", "reason": "Fake"})"));
  }
  Answer<void> check_version(const Resource& resource, const json& object, bool must_be_there) {
    const auto found = objects.find(path_of(resource, name_of(object)));
    if (found == objects.end()) return must_be_there ? Answer<void>(problem(404)) : Answer<void>{};
    const auto wanted = resource_version_of(object);
    if (!wanted.empty() && wanted != resource_version_of(found->second)) return problem(409);
    return {};
  }
  json store(const Resource& resource, json object) {
    auto& kept = objects[path_of(resource, name_of(object))];
    object["metadata"]["resourceVersion"] = kept.is_null() ? "" : resource_version_of(kept);
    if (kept != object) object["metadata"]["resourceVersion"] = std::to_string(++version_);
    kept = object;
    return object;
  }
  int version_ = 0;
};

// A clock that goes on only when somebody waits.
struct FakeTime {
  std::chrono::milliseconds passed{0};
  std::function<void()> meanwhile = [] {};

  Clock clock() {
    return {.steady = [this] { return Steady(std::chrono::seconds(1000)) + passed; },
            .wall = [this] { return Wall(std::chrono::seconds(1'800'000'000)) + passed; },
            .pause =
                [this](std::chrono::milliseconds time) {
                  passed += time;
                  meanwhile();
                }};
  }
};

}  // namespace loam::cluster
