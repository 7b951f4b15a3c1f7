#include "cluster/manifest_writer.hpp"

#include <format>
#include <utility>

#include "base/text.hpp"

namespace loam::cluster {

using nlohmann::json;
using std::chrono::seconds;

namespace {

constexpr const char* space = "kube-system";
constexpr const char* lease_name = "loam-manifests";
constexpr const char* release_name = "loam-release";
constexpr int most_tries = 5;
constexpr seconds between_tries{2};

Resource config_maps() { return {.api = "v1", .plural = "configmaps", .space = space}; }

json release_object(const std::string& release, const std::string& version) {
  json metadata = {{"name", release_name}, {"namespace", space}};
  if (!version.empty()) metadata["resourceVersion"] = version;
  return {
      {"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", std::move(metadata)}, {"data", {{"release", release}}}};
}

Result<std::string> release_of(const json& object) {
  const auto data = object.find("data");
  if (data != object.end() && data->is_object())
    if (const auto release = data->find("release"); release != data->end() && release->is_string())
      return release->get<std::string>();
  return fail(std::format("the ConfigMap {}/{} does not say which release wrote last", space, release_name),
              "if you know that this release is the newest here, delete it; it is made anew");
}

KubeError at(const json& object, KubeError error) {
  error.error = std::move(error.error).context(describe(object));
  return error;
}

}  // namespace

ManifestWriter::ManifestWriter(KubePort& api, WriterOptions options, Clock clock)
    : api_(&api),
      options_(std::move(options)),
      clock_(std::move(clock)),
      lease_(api, space, lease_name, options_.self, clock_) {}

Answer<Written> ManifestWriter::write(const std::vector<json>& objects) {
  LOAM_TRY(const auto ours, lease_.acquire(options_.patience));
  if (!ours)
    return Written{.end = Written::End::another_writes,
                   .why = std::format("{} writes the cluster's manifests", lease_.holder())};
  auto written = write_as_holder(objects);
  lease_.release();
  return written;
}

Answer<Written> ManifestWriter::write_as_holder(const std::vector<json>& objects) {
  Written written;
  LOAM_TRY(const auto ours, raise_release());  // also where there is nothing to be written
  superseded_ = !ours;
  for (const auto& object : objects) {
    if (superseded_) break;
    auto changed = write_one(object);
    if (!changed) return std::unexpected(at(object, std::move(changed).error()));
    if (*changed) ++written.changed;
  }
  if (!superseded_) return written;
  written.end = Written::End::newer_release;
  written.why = newer_text();
  return written;
}

std::string ManifestWriter::newer_text() const {
  return std::format("release {} wrote the cluster's manifests, and this node runs {}, which is older",
                     printable(applied_, 80), options_.release);
}

// This release, or nothing to do, where it stands already. False: a newer one is there.
Answer<bool> ManifestWriter::raise_release() {
  for (int i = 0; i < most_tries; ++i) {
    LOAM_CHECK(lease_.keep());
    const auto seen = api_->get(config_maps(), release_name);
    if (!seen && seen.error().fault != Fault::not_found) return std::unexpected(seen.error());
    if (seen) {
      LOAM_TRY(applied_, release_of(*seen));
      const auto order = options_.compare(applied_, options_.release);
      if (order >= 0) return order == 0;
    }
    const auto wanted = release_object(options_.release, seen ? resource_version_of(*seen) : "");
    const auto raised = seen ? api_->replace(config_maps(), wanted) : api_->create(config_maps(), wanted);
    if (raised) return true;
    if (raised.error().fault != Fault::conflict) return std::unexpected(raised.error());
  }
  return fail(std::format("the ConfigMap {}/{} changes all the time", space, release_name));
}

// A kind that was made a moment ago is not served at once.
Answer<Resource> ManifestWriter::place_of(const json& object) {
  const auto until = clock_.steady() + options_.kind_patience;
  while (true) {
    auto place = api_->resource_of(object);
    if (place || place.error().fault != Fault::not_found || clock_.steady() >= until) return place;
    LOAM_CHECK(lease_.keep());
    clock_.pause(between_tries);
  }
}

// Empty: it is not there.
Answer<std::string> ManifestWriter::current_version(const Resource& resource, const json& object) {
  const auto seen = api_->get(resource, name_of(object));
  if (seen) return resource_version_of(*seen);
  if (seen.error().fault == Fault::not_found) return "";
  return std::unexpected(seen.error());
}

// True: it was changed. The order of the three looks is what the head of manifest_writer.hpp says.
Answer<bool> ManifestWriter::write_one(const json& object) {
  LOAM_TRY(const auto resource, place_of(object));
  for (int i = 0; i < most_tries; ++i) {
    LOAM_TRY(const auto before, current_version(resource, object));
    LOAM_TRY(const auto ours, raise_release());
    superseded_ = !ours;
    if (superseded_) return false;
    auto wanted = object;
    if (!before.empty()) wanted["metadata"]["resourceVersion"] = before;
    const auto after = api_->apply(resource, wanted, {});
    if (after) return resource_version_of(*after) != before;
    // A controller may have written its status meanwhile.
    if (after.error().fault != Fault::conflict) return std::unexpected(after.error());
  }
  return fail("somebody else changes it all the time", "kubectl get --show-managed-fields of it shows who");
}

}  // namespace loam::cluster
