#include "slots/node_releases.hpp"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/text.hpp"
#include "slots/version.hpp"

namespace loam::slots {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr std::size_t state_limit = 1U << 20U;

}  // namespace

Result<void> keep_release(const fs::path& directory, const std::string& version, const std::string& manifest,
                          const std::string& signature) {
  const auto path = directory / std::format("loam-{}.json", version);
  LOAM_CHECK(write_file_atomic(path.string() + ".sig", signature));
  return write_file_atomic(path, manifest);
}

Result<void> forget_releases_but(const fs::path& directory, const std::set<std::string>& versions) {
  std::error_code problem;
  std::vector<fs::path> files;
  for (auto entry = fs::directory_iterator(directory, problem); entry != fs::directory_iterator();
       entry.increment(problem))
    files.push_back(entry->path());
  for (const auto& file : files) {
    const auto name = file.filename().string();
    const bool wanted = std::ranges::any_of(versions, [&](const auto& version) {
      return name == std::format("loam-{}.json", version) || name == std::format("loam-{}.json.sig", version);
    });
    if (!wanted && !fs::remove(file, problem) && problem) return fail_errno(file.string(), problem.value());
  }
  return {};
}

std::vector<Manifest> kept_releases(const fs::path& directory) {
  std::vector<Manifest> kept;
  std::error_code problem;
  for (auto entry = fs::directory_iterator(directory, problem); entry != fs::directory_iterator();
       entry.increment(problem)) {
    if (entry->path().extension() != ".json") continue;
    const auto text = read_file(entry->path(), max_manifest_bytes);
    auto manifest = text ? parse_manifest(*text) : std::unexpected(text.error());
    if (manifest) kept.push_back(*std::move(manifest));
  }
  return kept;
}

std::string to_json(const TrustState& state) {
  return json{{"floor", state.floor}, {"revoked", state.revoked}}.dump(2) + "\n";
}

Result<TrustState> parse_trust_state(std::string_view text) {
  constexpr std::string_view remedy =
      "it says which releases are ruled out, so nothing is installed without it; restore it, or remove it to start "
      "anew";
  try {
    const auto value = json::parse(text);
    TrustState state{.floor = value.at("floor").get<std::string>(),
                     .revoked = value.at("revoked").get<std::set<std::string>>()};
    if (is_version(state.floor)) return state;
    return fail(std::format("{}: the floor \"{}\" is no version", trust_state_path, printable(state.floor, 80)),
                std::string(remedy));
  } catch (const json::exception& problem) {
    return fail(std::format("{}: {}", trust_state_path, printable(problem.what())), std::string(remedy));
  }
}

Result<TrustState> read_trust_state(const fs::path& path) {
  LOAM_TRY(const auto text, read_if_there(path, state_limit));
  return text ? parse_trust_state(*text) : TrustState{};
}

TrustState raised(TrustState state, const Manifest& manifest) {
  if (compare_versions(manifest.floor, state.floor) > 0) state.floor = manifest.floor;
  state.revoked.insert(manifest.revoked.begin(), manifest.revoked.end());
  return state;
}

Trust restricted(Trust trust, const TrustState& state) {
  trust.revoked.insert(state.revoked.begin(), state.revoked.end());
  return trust;
}

}  // namespace loam::slots
