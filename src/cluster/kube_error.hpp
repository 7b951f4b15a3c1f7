// What went wrong between us and the Kubernetes API, told apart for those who act on it.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"

namespace loam::cluster {

enum class Fault : std::uint8_t {
  unreachable,   // nobody answers there
  timed_out,     // nobody answered in time
  tls,           // it is not the server that the kubeconfig means, or our own certificate cannot be used
  unauthorized,  // 401: it does not know us
  forbidden,     // 403: it knows us, and we may not
  not_found,     // 404
  conflict,      // 409: somebody else was there first
  gone,          // 410: what we knew is too old; list again
  invalid,       // 400 and 422: the object is wrong
  throttled,     // 429: too many requests
  server,        // 5xx
  too_large,     // more came than we read
  other,
};

struct [[nodiscard]] KubeError {
  Error error;
  Fault fault = Fault::other;
  int status = 0;           // of HTTP; 0: there was no answer
  std::string reason;       // of the API's Status object, such as "AlreadyExists"
  bool has_status = false;  // it came with such an object: what answers is the API, not only a server

  // NOLINTNEXTLINE(google-explicit-constructor): what fails on our side is an error of this kind, too
  KubeError(Error other) : error(std::move(other)) {}
  KubeError(Error text, Fault kind, int http = 0, std::string why = {})
      : error(std::move(text)), fault(kind), status(http), reason(std::move(why)) {}
  // NOLINTNEXTLINE(google-explicit-constructor): callers that only report it want the words
  operator Error() const { return error; }
  std::string text() const { return error.text(); }
};

template <typename T>
using Answer = std::expected<T, KubeError>;

Fault fault_of_status(int status);

// What an answer that is not good says. request: "GET https://host:6443/api/v1/nodes/x". body: a Status object, or
// whatever came. about_secret: what the server says may quote a secret then, and is left out.
KubeError error_of_answer(std::string_view request, int status, std::string_view body, bool about_secret = false);

}  // namespace loam::cluster
