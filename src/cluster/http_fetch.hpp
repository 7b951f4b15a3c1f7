// One small document over HTTPS, by curl, from a server that is nobody's acquaintance yet.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace loam::cluster {

struct HttpAnswer {
  int status = 0;
  std::int64_t date = 0;  // of the server's clock, seconds since 1970; 0: it does not say
  std::string body;
};

// GET https://ENDPOINT/PATH within 20 s. authority: who may vouch for the server, PEM; empty: nobody is asked, so what
// comes must prove itself.
Result<HttpAnswer> fetch_by_curl(const std::string& endpoint, const std::string& path, const std::string& authority);

// An answer with its headers, as curl --include prints it.
Result<HttpAnswer> parse_http_answer(std::string_view text);

}  // namespace loam::cluster
