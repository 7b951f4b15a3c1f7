// Any bytes as the body of a watch: the same events whether they come at once or one by one.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "cluster/kube_resource.hpp"
#include "cluster/watch_stream.hpp"

namespace {

using namespace loam::cluster;

struct Seen {
  std::size_t events = 0;
  bool good = true;
  bool operator==(const Seen&) const = default;
};

Seen feed(std::string_view text, std::size_t step) {
  Seen seen;
  WatchStream stream(4096);
  for (std::size_t at = 0; at < text.size() && seen.good; at += step)
    seen.good = stream
                    .feed(text.substr(at, step),
                          [&](const WatchEvent& event) {
                            static_cast<void>(resource_version_of(event.object));
                            ++seen.events;
                            return true;
                          })
                    .has_value();
  return seen;
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (size != 0 && feed(text, size) != feed(text, 1)) std::abort();
  return 0;
}
