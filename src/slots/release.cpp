#include "slots/release.hpp"

#include <algorithm>
#include <array>
#include <format>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/file.hpp"
#include "base/text.hpp"
#include "base/whole_number.hpp"

namespace loam::slots {

namespace fs = std::filesystem;

namespace {

constexpr std::array<std::string_view, 4> suffixes = {"efi", "boot.efi", "root", "verity"};
constexpr std::size_t max_manifest_bytes = 1U << 20U;
constexpr std::string_view damaged = "the medium or download is damaged; write or fetch it again";

bool version_like(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of("0123456789.~abcdefghijklmnopqrstuvwxyz") == text.npos;
}

std::string uuid_of(std::span<const std::byte> bytes) {
  const auto hex = to_hex(bytes);
  return std::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4), hex.substr(16, 4),
                     hex.substr(20));
}

Result<Manifest> read_members(const nlohmann::json& json) {
  if (const auto format = whole_number<int>(json.at("format")); format != 1)
    return fail(std::format("manifest: format {}, this release of Loam reads 1", format));
  Manifest manifest;
  manifest.version = json.at("version").get<std::string>();
  if (!version_like(manifest.version))
    return fail(std::format("manifest: \"{}\" is no version", printable(manifest.version, 80)));
  LOAM_TRY(manifest.root_hash, parse_digest(json.at("verity").at("root_hash").get<std::string>()));
  for (const auto suffix : suffixes) {
    const auto& file = json.at("files").at(std::string(suffix));
    LOAM_CHECK(parse_digest(file.at("sha256").get<std::string>()));
    manifest.files[std::string(suffix)] = {whole_number<std::uint64_t>(file.at("size")),
                                           file.at("sha256").get<std::string>()};
  }
  return manifest;
}

}  // namespace

Result<Manifest> parse_manifest(std::string_view text) {
  try {
    return read_members(nlohmann::json::parse(text));
  } catch (const nlohmann::json::exception& problem) {
    return fail(std::format("manifest: {}", printable(problem.what())));
  }
}

Result<Release> Release::open(const fs::path& directory) {
  std::vector<fs::path> manifests;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(directory, problem))
    if (entry.path().extension() == ".json" && entry.path().filename().string().starts_with("loam-"))
      manifests.push_back(entry.path());
  if (problem) return fail_errno(directory.string(), problem.value());
  if (manifests.size() != 1)
    return fail(std::format("{}: expected one loam-<version>.json, found {}", directory.string(), manifests.size()));
  LOAM_TRY(const auto text, read_file(manifests.front(), max_manifest_bytes));
  auto manifest = parse_manifest(text);
  if (!manifest) return std::unexpected(std::move(manifest).error().context(manifests.front().string()));
  return Release(directory, *std::move(manifest));
}

fs::path Release::file(std::string_view suffix) const {
  return directory_ / std::format("loam-{}.{}", manifest_.version, suffix);
}

Result<void> Release::check_files() const {
  for (const auto& [suffix, expected] : manifest_.files) {
    const auto path = file(suffix);
    std::error_code problem;
    const auto size = fs::file_size(path, problem);
    if (problem) return fail_errno(path.string(), problem.value());
    if (size != expected.size)
      return fail(std::format("{}: {} bytes, {} were expected", path.string(), size, expected.size),
                  std::string(damaged));
    if (suffix == "root" || suffix == "verity") continue;
    LOAM_TRY(const auto digest, sha256_file(path));
    if (digest != expected.sha256)
      return fail(std::format("{}: its SHA-256 is {}, {} was expected", path.string(), digest, expected.sha256),
                  std::string(damaged));
  }
  return {};
}

Result<VerityTree> Release::load_tree() const {
  const auto path = file("verity");
  auto tree = VerityTree::open(path, 0, manifest_.root_hash);
  if (!tree) return tree;
  if (tree->data_bytes() != size("root"))
    return fail(
        std::format("{}: is for {} bytes of data, the root has {}", path.string(), tree->data_bytes(), size("root")),
        std::string(damaged));
  return tree;
}

std::string data_partition_uuid(const Digest& root) { return uuid_of(std::span(root).first<16>()); }
std::string verity_partition_uuid(const Digest& root) { return uuid_of(std::span(root).last<16>()); }

}  // namespace loam::slots
