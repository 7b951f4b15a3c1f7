#include "cluster/kube_resource.hpp"

#include <format>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace loam::cluster {

using nlohmann::json;

namespace {

// RFC 3986: all but unreserved characters.
std::string escape(std::string_view text) {
  constexpr std::string_view unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string escaped;
  for (const auto c : text)
    if (unreserved.contains(c))
      escaped += c;
    else
      escaped += std::format("%{:02X}", static_cast<unsigned char>(c));
  return escaped;
}

std::string word(const json& object, const char* key) {
  if (!object.is_object()) return "";
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string of_metadata(const json& object, const char* key) {
  if (!object.is_object()) return "";
  const auto metadata = object.find("metadata");
  return metadata == object.end() ? "" : word(*metadata, key);
}

}  // namespace

std::string path_of(const Resource& resource, std::string_view name, std::string_view subresource) {
  auto path = (resource.api.contains('/') ? "/apis/" : "/api/") + resource.api;
  if (!resource.space.empty()) path += "/namespaces/" + escape(resource.space);
  path += "/" + resource.plural;
  if (!name.empty()) path += "/" + escape(name);
  if (!subresource.empty()) path += std::format("/{}", subresource);
  return path;
}

std::string query_of(const std::vector<std::pair<std::string, std::string>>& parameters) {
  std::string query;
  for (const auto& [key, value] : parameters)
    if (!value.empty()) query += std::format("{}{}={}", query.empty() ? '?' : '&', key, escape(value));
  return query;
}

Result<Resource> find_resource(const json& discovery, const json& object) {
  const auto api = word(object, "apiVersion");
  const auto kind = word(object, "kind");
  const auto resources = discovery.find("resources");
  if (discovery.is_object() && resources != discovery.end() && resources->is_array())
    for (const auto& one : *resources) {
      const auto plural = word(one, "name");
      if (word(one, "kind") != kind || plural.empty() || plural.contains('/')) continue;  // no subresources
      const auto spaced = one.find("namespaced");
      const bool in_space = spaced != one.end() && spaced->is_boolean() && spaced->get<bool>();
      auto space = in_space ? of_metadata(object, "namespace") : "";
      if (in_space && space.empty()) return fail(std::format("{} names no namespace", describe(object)));
      return Resource{.api = api, .plural = plural, .space = std::move(space)};
    }
  return fail(std::format("the API serves no {} of {}", printable(kind, 60), printable(api, 60)));
}

std::string describe(const json& object) {
  const auto space = of_metadata(object, "namespace");
  return printable(std::format("{} {}{}", word(object, "kind"), space.empty() ? space : space + "/", name_of(object)));
}

std::string name_of(const json& object) { return of_metadata(object, "name"); }

std::string resource_version_of(const json& object) { return of_metadata(object, "resourceVersion"); }

}  // namespace loam::cluster
