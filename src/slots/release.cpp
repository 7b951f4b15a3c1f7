#include "slots/release.hpp"

#include <format>
#include <vector>

#include "base/file.hpp"
#include "base/text.hpp"
#include "slots/sha256.hpp"

namespace loam::slots {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view damaged = "the medium or download is damaged; write or fetch it again";

std::string uuid_of(std::span<const std::byte> bytes) {
  const auto hex = to_hex(bytes);
  return std::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4), hex.substr(16, 4),
                     hex.substr(20));
}

}  // namespace

Result<fs::path> find_manifest(const fs::path& directory) {
  std::vector<fs::path> manifests;
  std::error_code problem;
  for (auto entry = fs::directory_iterator(directory, problem); entry != fs::directory_iterator();
       entry.increment(problem))
    if (entry->path().extension() == ".json" && entry->path().filename().string().starts_with("loam-"))
      manifests.push_back(entry->path());
  if (problem) return fail_errno(directory.string(), problem.value());
  if (manifests.size() != 1)
    return fail(std::format("{}: expected one loam-<version>.json, found {}", directory.string(), manifests.size()));
  return manifests.front();
}

Result<Release> Release::open_unsigned(const fs::path& directory) {
  LOAM_TRY(const auto path, find_manifest(directory));
  LOAM_TRY(const auto text, read_file(path, max_manifest_bytes));
  auto manifest = parse_manifest(text);
  if (!manifest) return std::unexpected(std::move(manifest).error().context(path.string()));
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
    if (suffix == "root") continue;
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
