#include "cluster/kube_client.hpp"

#include <algorithm>
#include <format>
#include <iterator>
#include <optional>
#include <utility>

#include "base/text.hpp"

namespace loam::cluster {

using nlohmann::json;
using std::chrono::seconds;

namespace {

constexpr std::size_t largest_page = 256;  // objects
constexpr seconds grace{15};               // what a server may take longer to end a watch

json document(const char* api, const char* kind) { return {{"apiVersion", api}, {"kind", kind}}; }

std::string word(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

Result<Page> page_of(json answer) {
  const auto items = answer.find("items");
  if (items == answer.end() || !items->is_array()) return fail("what came is no list");
  Page page{.items = {}, .next = {}, .resource_version = resource_version_of(answer)};
  for (auto& item : *items) page.items.push_back(std::move(item));
  if (const auto metadata = answer.find("metadata"); metadata != answer.end() && metadata->is_object())
    page.next = word(*metadata, "continue");
  return page;
}

json delete_options(const std::string& uid) {
  auto options = document("v1", "DeleteOptions");
  if (!uid.empty()) options["preconditions"] = {{"uid", uid}};
  return options;
}

// What one event means for the watch; it ends when it says so.
struct WatchState {
  Watched watched;
  std::optional<KubeError> problem;

  bool take(const WatchEvent& event, const KubeClient::OnEvent& on_event, std::string_view request) {
    if (event.type == WatchEvent::Type::error) {
      const auto code = event.object.find("code");
      const auto status = code != event.object.end() && code->is_number_unsigned() ? code->get<std::uint16_t>() : 0;
      if (status == 410)
        watched.end = Watched::End::gone;
      else
        problem = error_of_answer(request, status, event.object.dump(-1, ' ', false, json::error_handler_t::replace));
      return false;
    }
    if (auto version = resource_version_of(event.object); !version.empty()) watched.from = std::move(version);
    if (event.type == WatchEvent::Type::bookmark || on_event(event)) return true;
    watched.end = Watched::End::stopped;
    return false;
  }
};

}  // namespace

Answer<json> KubeClient::exchange(KubeRequest request) {
  request.limit = limit_;
  const auto shown = std::format("{} {}", request.method, request.path);
  LOAM_TRY(const auto body, transport_.send(request));
  auto answer = json::parse(body, nullptr, false);
  if (!answer.is_object()) return fail(std::format("{}: what came is no JSON object", shown));
  return answer;
}

Answer<Resource> KubeClient::resource_of(const json& object) {
  const auto api = word(object, "apiVersion");
  if (const auto known = discovered_.find(api); known != discovered_.end())
    if (auto found = find_resource(known->second, object)) return *std::move(found);
  // Asked again for a kind that was not there: it may have been made meanwhile.
  LOAM_TRY(auto discovery, exchange({.path = (api.contains('/') ? "/apis/" : "/api/") + api, .query = {}, .body = {}}));
  auto& kept = discovered_[api];
  kept = std::move(discovery);
  auto found = find_resource(kept, object);
  if (!found) return std::unexpected(KubeError(std::move(found).error(), Fault::not_found));
  return *std::move(found);
}

Answer<json> KubeClient::get(const Resource& resource, std::string_view name) {
  return exchange({.path = path_of(resource, name), .query = {}, .body = {}});
}

Answer<json> KubeClient::create(const Resource& resource, const json& object) {
  return exchange({.method = "POST",
                   .path = path_of(resource),
                   .query = query_of({{"fieldManager", "loam"}, {"fieldValidation", "Strict"}}),
                   .body = object.dump()});
}

Answer<json> KubeClient::replace(const Resource& resource, const json& object) {
  return exchange({.method = "PUT",
                   .path = path_of(resource, name_of(object)),
                   .query = query_of({{"fieldManager", "loam"}, {"fieldValidation", "Strict"}}),
                   .body = object.dump()});
}

Answer<json> KubeClient::patch(std::string path, const json& object, const ApplyOptions& options) {
  return exchange({.method = "PATCH",
                   .path = std::move(path),
                   .query = query_of({{"fieldManager", options.manager},
                                      {"force", options.force ? "true" : "false"},
                                      {"fieldValidation", "Strict"}}),
                   .type = "application/apply-patch+yaml",
                   .body = object.dump()});
}

Answer<json> KubeClient::apply(const Resource& resource, const json& object, const ApplyOptions& options) {
  return patch(path_of(resource, name_of(object)), object, options);
}

Answer<json> KubeClient::apply_status(const Resource& resource, const json& object, const ApplyOptions& options) {
  return patch(path_of(resource, name_of(object), "status"), object, options);
}

Answer<void> KubeClient::remove(const Resource& resource, std::string_view name, const std::string& uid) {
  LOAM_CHECK(
      exchange({.method = "DELETE", .path = path_of(resource, name), .query = {}, .body = delete_options(uid).dump()}));
  return {};
}

Answer<Page> KubeClient::list(const Resource& resource, const Selector& selector, std::size_t size,
                              const std::string& next) {
  LOAM_TRY(auto answer, exchange({.path = path_of(resource),
                                  .query = query_of({{"limit", std::to_string(size)},
                                                     {"continue", next},
                                                     {"labelSelector", selector.labels},
                                                     {"fieldSelector", selector.fields}}),
                                  .body = {}}));
  auto page = page_of(std::move(answer));
  if (!page) return std::unexpected(std::move(page).error().context("GET " + path_of(resource)));
  return *std::move(page);
}

// Objects may have 1 MiB and more each: of those, fewer go on a page.
Answer<Page> KubeClient::list_all(const Resource& resource, const Selector& selector) {
  Page all;
  std::size_t size = largest_page;
  while (true) {
    auto page = list(resource, selector, size, all.next);
    if (!page && page.error().fault == Fault::too_large && size > 1) {
      size /= 4;
      continue;
    }
    if (!page) return page;
    std::ranges::move(page->items, std::back_inserter(all.items));
    all.next = std::move(page->next);
    all.resource_version = std::move(page->resource_version);
    if (all.next.empty()) return all;
  }
}

Answer<Watched> KubeClient::watch(const Resource& resource, const WatchQuery& query, const OnEvent& on_event) {
  const auto path = path_of(resource);
  const KubeRequest request{.path = path,
                            .query = query_of({{"watch", "true"},
                                               {"allowWatchBookmarks", "true"},
                                               {"resourceVersion", query.from},
                                               {"timeoutSeconds", std::to_string(query.limit.count())},
                                               {"labelSelector", query.selector.labels},
                                               {"fieldSelector", query.selector.fields}}),
                            .body = {},
                            .limit = query.limit + grace};
  WatchState state{.watched = {.end = Watched::End::over, .from = query.from}, .problem = {}};
  WatchStream stream(longest_body);
  const auto took = transport_.stream(request, [&](std::string_view bytes) {
    return stream.feed(bytes, [&](const WatchEvent& event) { return state.take(event, on_event, "watch " + path); });
  });
  if (!took && took.error().fault == Fault::gone) return Watched{.end = Watched::End::gone, .from = query.from};
  if (!took) return std::unexpected(took.error());
  if (state.problem) return std::unexpected(*std::move(state.problem));
  return std::move(state.watched);
}

Answer<Eviction> KubeClient::evict(std::string_view space, std::string_view pod, const std::string& uid) {
  auto eviction = document("policy/v1", "Eviction");
  eviction["metadata"] = {{"name", pod}, {"namespace", space}};
  eviction["deleteOptions"] = delete_options(uid);
  const Resource pods{.api = "v1", .plural = "pods", .space = std::string(space)};
  const auto answer =
      exchange({.method = "POST", .path = path_of(pods, pod, "eviction"), .query = {}, .body = eviction.dump()});
  if (answer) return Eviction{.done = true, .why_not = {}};
  // A server that is busy says 429 too, but not in a Status object.
  if (answer.error().fault == Fault::throttled && answer.error().has_status)
    return Eviction{.done = false, .why_not = answer.error().error.message()};
  return std::unexpected(answer.error());
}

}  // namespace loam::cluster
