// A Kubernetes API server, over HTTPS. Each call blocks, has a time limit and asks once; what went wrong says whether
// asking again is of use. https://kubernetes.io/docs/reference/using-api/api-concepts/
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cluster/kube_port.hpp"
#include "cluster/kube_transport.hpp"
#include "cluster/watch_stream.hpp"

namespace loam::cluster {

struct Selector {
  std::string labels;
  std::string fields;
};

struct Page {
  std::vector<nlohmann::json> items;
  std::string next;  // for the next page; empty: that was the last
  std::string resource_version;
};

struct WatchQuery {
  std::string from;  // a resource version, of a list or of an earlier watch
  Selector selector;
  std::chrono::seconds limit{300};
};

struct Watched {
  // over: its time, or its connection; go on from `from`. gone: `from` was too old; list again. stopped: by the caller.
  enum class End : std::uint8_t { over, gone, stopped };
  End end = End::over;
  std::string from;
};

struct Eviction {
  bool done = false;
  std::string why_not;  // for now: such as the PodDisruptionBudget that holds it
};

class KubeClient : public KubePort {
 public:
  // False: that is enough. Bookmarks and errors are not handed on.
  using OnEvent = std::function<bool(const WatchEvent& event)>;

  explicit KubeClient(Kubeconfig config, std::chrono::milliseconds limit = std::chrono::seconds(30))
      : transport_(std::move(config)), limit_(limit) {}

  Answer<Resource> resource_of(const nlohmann::json& object) override;
  Answer<nlohmann::json> get(const Resource& resource, std::string_view name) override;
  Answer<nlohmann::json> create(const Resource& resource, const nlohmann::json& object) override;
  Answer<nlohmann::json> replace(const Resource& resource, const nlohmann::json& object) override;
  Answer<nlohmann::json> apply(const Resource& resource, const nlohmann::json& object,
                               const ApplyOptions& options) override;
  Answer<nlohmann::json> apply_status(const Resource& resource, const nlohmann::json& object,
                                      const ApplyOptions& options);
  Answer<void> remove(const Resource& resource, std::string_view name, const std::string& uid);

  // One page of `size` objects at most; next: of the page before.
  Answer<Page> list(const Resource& resource, const Selector& selector, std::size_t size, const std::string& next = {});
  // All of them, page by page. Fault::gone: that took too long; begin again.
  Answer<Page> list_all(const Resource& resource, const Selector& selector = {});
  Answer<Watched> watch(const Resource& resource, const WatchQuery& query, const OnEvent& on_event);

  // A pod leaves its node if its PodDisruptionBudget lets it. uid: of the pod that is meant; empty: any of this name.
  Answer<Eviction> evict(std::string_view space, std::string_view pod, const std::string& uid = {});

 private:
  Answer<nlohmann::json> exchange(KubeRequest request);
  Answer<nlohmann::json> patch(std::string path, const nlohmann::json& object, const ApplyOptions& options);

  KubeTransport transport_;
  std::chrono::milliseconds limit_;
  std::map<std::string, nlohmann::json> discovered_;  // by group and version
};

}  // namespace loam::cluster
