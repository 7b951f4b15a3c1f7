// What a kubeconfig says: which API server, how it is recognised, and who we are to it. Only what kubeadm and the
// kubelet write: client certificates; no tokens, passwords, plugins or servers without TLS.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace loam::cluster {

struct Kubeconfig {
  std::string server;       // "https://host:port", without a slash at its end
  std::string authority;    // certificates of who may vouch for the server, PEM
  std::string certificate;  // ours, PEM
  std::string key;          // PEM; a secret
};

// Gives a file that a kubeconfig names.
using ReadNamed = std::function<Result<std::string>(const std::string& path)>;

// The current context of it. `name` is for messages; they never quote a key or certificate.
Result<Kubeconfig> parse_kubeconfig(std::string_view text, std::string_view name, const ReadNamed& read);

// From a file; what it names lies beside it, unless its path is absolute.
Result<Kubeconfig> read_kubeconfig(const std::filesystem::path& path);

}  // namespace loam::cluster
