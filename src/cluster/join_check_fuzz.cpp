// What a server says that nobody has vouched for yet, to a node that would join. The first byte says how much of it
// answers the first question.
#include <cstdint>
#include <string>
#include <string_view>

#include "cluster/join_check.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace loam::cluster;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto cut = text.size() * data[0] / 255;
  const Fetch fetch = [&](const std::string&, const std::string& path, const std::string&) {
    return parse_http_answer(path == "/version" ? text.substr(cut) : text.substr(0, cut));
  };
  const Invitation invitation{.cluster = "rack",
                              .endpoint = "192.0.2.5:6443",
                              .pin = "sha256:" + std::string(64, 'a'),
                              .token = "abcdef.0123456789abcdef",
                              .certificate_key = {},
                              .encryption_key = {}};
  static_cast<void>(check_join(invitation, "1.34.4", 1'800'000'000, fetch));
  return 0;
}
