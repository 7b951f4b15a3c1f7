// HTTPS to one API server as a kubeconfig says: who it is, is always verified, against the kubeconfig's authority only;
// keys stay in memory. One request at a time, over one connection that is kept.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "cluster/kube_error.hpp"
#include "cluster/kubeconfig.hpp"

namespace loam::cluster {

struct KubeRequest {
  const char* method = "GET";
  std::string path;
  std::string query;
  const char* type = "application/json";  // of the body
  std::string body;
  std::chrono::milliseconds limit{30'000};  // for all of it
};

inline constexpr std::size_t longest_body = 16U << 20U;

class KubeTransport {
 public:
  // False: no more is wanted; an error ends it, too.
  using Take = std::function<Result<bool>(std::string_view bytes)>;

  explicit KubeTransport(Kubeconfig config);
  KubeTransport(const KubeTransport&) = delete;
  KubeTransport& operator=(const KubeTransport&) = delete;
  ~KubeTransport();

  // The whole body of an answer of 2xx; any other is an error.
  Answer<std::string> send(const KubeRequest& request);
  // The same as it comes. What began well is no error, however it ended, unless `take` says one.
  Answer<void> stream(const KubeRequest& request, const Take& take);

 private:
  struct Handle;
  Kubeconfig config_;
  std::unique_ptr<Handle> handle_;
};

}  // namespace loam::cluster
