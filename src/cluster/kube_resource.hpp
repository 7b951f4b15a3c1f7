// Where the API serves objects of a kind. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace loam::cluster {

struct Resource {
  std::string api = "v1";  // group and version, as apiVersion has them
  std::string plural;      // "nodes"
  std::string space;       // namespace; empty: the whole cluster
  bool operator==(const Resource&) const = default;
};

// "/api/v1/nodes", with a name or without, "/status" behind it or nothing.
std::string path_of(const Resource& resource, std::string_view name = {}, std::string_view subresource = {});

// "?limit=5&continue=x"; what is empty is left out.
std::string query_of(const std::vector<std::pair<std::string, std::string>>& parameters);

// Where an object belongs by its kind, as the API's list of its group's resources (discovery) says.
Result<Resource> find_resource(const nlohmann::json& discovery, const nlohmann::json& object);

// "ConfigMap kube-system/loam-release", for messages.
std::string describe(const nlohmann::json& object);

// An object's own name; empty if it has none.
std::string name_of(const nlohmann::json& object);
std::string resource_version_of(const nlohmann::json& object);

}  // namespace loam::cluster
