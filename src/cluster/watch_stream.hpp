// The body of a watch: one event a line, for as long as it lasts. Pure.
// https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace loam::cluster {

struct WatchEvent {
  enum class Type : std::uint8_t { added, modified, deleted, bookmark, error };
  Type type = Type::added;
  nlohmann::json object;  // of an error: a Status; of a bookmark: metadata.resourceVersion only
};

Result<WatchEvent> parse_watch_event(std::string_view line);

// Bytes as they come from the network -> events.
class WatchStream {
 public:
  // False: no more is wanted.
  using Take = std::function<bool(WatchEvent)>;

  explicit WatchStream(std::size_t longest_line) : longest_(longest_line) {}
  // False: take said so. An error: what comes is no watch.
  Result<bool> feed(std::string_view bytes, const Take& take);

 private:
  std::size_t longest_;
  std::string held_;  // of a line whose end has not come
};

}  // namespace loam::cluster
