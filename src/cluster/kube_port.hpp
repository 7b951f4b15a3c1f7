// What writers of manifests and holders of Leases need of the API: KubeClient has it, and so has a fake for tests.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "cluster/kube_error.hpp"
#include "cluster/kube_resource.hpp"

namespace loam::cluster {

struct ApplyOptions {
  std::string manager = "loam";  // whom the fields belong to
  bool force = true;             // also those that are somebody else's
};

class KubePort {
 public:
  KubePort() = default;
  KubePort(const KubePort&) = delete;
  KubePort& operator=(const KubePort&) = delete;
  virtual ~KubePort() = default;

  virtual Answer<Resource> resource_of(const nlohmann::json& object) = 0;
  virtual Answer<nlohmann::json> get(const Resource& resource, std::string_view name) = 0;
  virtual Answer<nlohmann::json> create(const Resource& resource, const nlohmann::json& object) = 0;
  // With a metadata.resourceVersion, only the object that has it: else it is a conflict.
  virtual Answer<nlohmann::json> replace(const Resource& resource, const nlohmann::json& object) = 0;
  // Server-side apply: made if it is not there. Unknown fields are an error. metadata.resourceVersion as for replace.
  virtual Answer<nlohmann::json> apply(const Resource& resource, const nlohmann::json& object,
                                       const ApplyOptions& options) = 0;
};

}  // namespace loam::cluster
