// Any bytes as a kubeconfig: what is taken has a server with TLS and all that proves who is who.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "cluster/kubeconfig.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto named = [](const std::string& path) -> loam::Result<std::string> {
    return "-----BEGIN CERTIFICATE----- PRIVATE KEY-----" + path;
  };
  const auto config = loam::cluster::parse_kubeconfig(text, "fuzz", named);
  if (!config) return 0;
  if (!config->server.starts_with("https://") || config->authority.empty() || config->key.empty()) std::abort();
  return 0;
}
