// What a node remembers of releases, on its loam partition: the manifests of those in its slots, and what may no longer
// be installed.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "slots/manifest.hpp"
#include "slots/signature.hpp"

namespace loam::slots {

inline constexpr std::string_view kept_releases_path = "/loam/releases";
inline constexpr std::string_view trust_state_path = "/loam/trust.json";

// Manifest and signature, as they came.
Result<void> keep_release(const std::filesystem::path& directory, const std::string& version,
                          const std::string& manifest, const std::string& signature);
// Those of other versions go.
Result<void> forget_releases_but(const std::filesystem::path& directory, const std::set<std::string>& versions);
// Those that can be read; a node without any still runs.
std::vector<Manifest> kept_releases(const std::filesystem::path& directory);

// What releases that have proven themselves have ruled out, for ever.
struct TrustState {
  std::string floor = "0";        // oldest version that is installed without being forced
  std::set<std::string> revoked;  // keys
  bool operator==(const TrustState&) const = default;
};

std::string to_json(const TrustState& state);
Result<TrustState> parse_trust_state(std::string_view json);
// A file that is missing is the state of a new node.
Result<TrustState> read_trust_state(const std::filesystem::path& path);
// With what a release says that has proven itself. Nothing is ever taken back.
TrustState raised(TrustState state, const Manifest& manifest);
// What an image trusts, without what was revoked since.
Trust restricted(Trust trust, const TrustState& state);

}  // namespace loam::slots
