// A release on a static web server. What is wanted of a file is asked for in single ranges over a few connections that
// are kept; a server without ranges gives the whole file once. A connection that breaks or stalls is begun again where
// it stopped.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "slots/source.hpp"

namespace loam::slots {

struct HttpOptions {
  std::uint64_t rate_limit = 0;    // bytes a second; 0: none
  std::size_t connections = 4;     // at a time
  std::chrono::seconds stall{30};  // a connection that gives next to nothing for so long is given up
  // With next to nothing for so long, on all connections together, it ends.
  std::chrono::seconds patience{300};
  std::chrono::milliseconds pause{1000};  // before it is asked again, at first; each time twice as long
  int tries = 20;                         // in a row without anything new
  // Empty: as the environment says (http_proxy and the others, as curl reads them).
  std::string http_proxy;
  std::string https_proxy;
  std::string no_proxy;  // hosts, with commas
};

class HttpSource : public Source {
 public:
  // base: the URL that names of files are put behind, with its last "/". Only http and https, also when redirected;
  // never from https to http.
  HttpSource(std::string base, HttpOptions options);
  HttpSource(const HttpSource&) = delete;
  HttpSource& operator=(const HttpSource&) = delete;
  ~HttpSource() override;

  Result<std::string> whole(std::string_view name, std::size_t limit) override;
  // By asking for the first byte.
  Result<bool> has_ranges(std::string_view name) override;
  Result<void> parts(std::string_view name, std::uint64_t bytes, std::span<const Extent> wanted,
                     const Take& take) override;

 private:
  struct Small;
  Result<Small> small(const std::string& url, std::size_t limit, const char* range) const;

  std::string base_;
  HttpOptions options_;
};

// True for what HttpSource takes.
bool is_http_url(std::string_view text);

}  // namespace loam::slots
