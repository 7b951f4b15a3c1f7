#include "slots/find_release.hpp"

#include <algorithm>
#include <filesystem>
#include <format>

#include "base/file.hpp"
#include "base/text.hpp"
#include "slots/version.hpp"

namespace loam::slots {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view prefix = "loam-";
constexpr std::string_view suffix = ".json";

// "https://host/releases/loam-1.2.3.json" is "https://host/releases/" and the rest.
struct Where {
  std::string base;
  std::string manifest;  // empty: not said
};

Where split_url(const std::string& url) {
  const auto slash = url.rfind('/');
  if (url.ends_with(suffix)) return {.base = url.substr(0, slash + 1), .manifest = url.substr(slash + 1)};
  return {.base = url.ends_with('/') ? url : url + "/", .manifest = {}};
}

Result<Where> split_path(const fs::path& path) {
  std::error_code problem;
  if (path.extension() == suffix) return Where{.base = path.parent_path(), .manifest = path.filename()};
  if (fs::exists(path / "latest", problem)) return Where{.base = path, .manifest = {}};
  LOAM_TRY(const auto manifest, find_manifest(path));
  return Where{.base = path, .manifest = manifest.filename()};
}

Result<std::string> latest(Source& source) {
  auto text = source.whole("latest", max_latest_bytes);
  if (!text)
    return std::unexpected(std::move(text).error().remedy(
        "a directory of releases has a file \"latest\" with the name of a manifest; or name the manifest itself"));
  return parse_latest(*text);
}

}  // namespace

std::string OfferedRelease::file(std::string_view part) const {
  return std::format("loam-{}.{}", manifest.version, part);
}

Result<std::string> parse_latest(std::string_view text) {
  const auto name = trim(text);
  const bool ours = name.size() > prefix.size() + suffix.size() && name.starts_with(prefix) && name.ends_with(suffix);
  if (ours && is_version(name.substr(prefix.size(), name.size() - prefix.size() - suffix.size())))
    return std::string(name);
  return fail(std::format(R"("latest" says "{}", expected loam-VERSION.json)", printable(name, 80)),
              "it holds the name of the newest manifest beside it");
}

Result<OfferedRelease> find_release(const std::string& where, const Trust& trust, const HttpOptions& options) {
  OfferedRelease offered;
  Where found;
  if (is_http_url(where)) {
    found = split_url(where);
    offered.source = std::make_unique<HttpSource>(found.base, options);
  } else {
    LOAM_TRY(found, split_path(where));
    offered.source = std::make_unique<DirectorySource>(found.base);
  }
  offered.named = !found.manifest.empty();
  if (!offered.named) {
    LOAM_TRY(found.manifest, latest(*offered.source));
  }
  LOAM_TRY(offered.manifest_text, offered.source->whole(found.manifest, max_manifest_bytes));
  auto signature = offered.source->whole(found.manifest + ".sig", max_signature_bytes);
  if (!signature)
    return std::unexpected(std::move(signature).error().remedy(
        "a release without a signature is not used; loamctl release sign makes it"));
  offered.signature_text = *std::move(signature);
  auto opened = open_manifest(offered.manifest_text, offered.signature_text, trust);
  if (!opened) return std::unexpected(std::move(opened).error().context(without_userinfo(found.manifest)));
  offered.manifest = std::move(opened->manifest);
  offered.signer = std::move(opened->signer);
  if (offered.file("json") == found.manifest) return offered;
  return fail(std::format("{} is the manifest of {}", printable(found.manifest, 80), offered.manifest.version),
              "a manifest has the name of its version; it was renamed");
}

}  // namespace loam::slots
