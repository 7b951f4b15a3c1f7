#include "slots/release_build.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <format>

#include "base/file.hpp"
#include "base/text.hpp"
#include "slots/release.hpp"
#include "slots/sha256.hpp"
#include "slots/transfer.hpp"
#include "slots/uki.hpp"
#include "slots/uki_copies.hpp"

namespace loam::slots {

namespace fs = std::filesystem;

namespace {

Result<std::uint64_t> size_of(const fs::path& path) {
  std::error_code problem;
  const auto size = fs::file_size(path, problem);
  if (problem) return fail_errno(path.string(), problem.value());
  return size;
}

// The digest of the top of the tree; of a single block, of the block itself.
Result<Digest> root_hash_of(const fs::path& root, const fs::path& verity) {
  LOAM_TRY(const auto tree, open_file(verity, O_RDONLY));
  std::vector<std::byte> block(block_size);
  LOAM_CHECK(read_exact(tree.get(), block, 0));
  LOAM_TRY(const auto superblock, parse_superblock(block));
  LOAM_TRY(const auto data, open_file(root, O_RDONLY));
  const bool single = superblock.data_blocks == 1;
  LOAM_CHECK(read_exact(single ? data.get() : tree.get(), block, single ? 0 : block_size));
  return SaltedSha256(superblock.salt)(block);
}

// One more is not told apart: nobody makes so many.
constexpr std::size_t most_frames = 1000;

// A section as its frames, or as a whole.
Result<std::vector<UkiPart>> frames_of(int fd, const UkiPart& section) {
  std::vector<UkiPart> frames;
  auto left = section;
  std::array<std::byte, 4> begin{};
  for (std::uint64_t at = uki_frame_alignment; at + begin.size() <= section.bytes; at += uki_frame_alignment) {
    LOAM_CHECK(read_exact(fd, begin, section.offset + at));
    if (!begins_frame(begin)) continue;
    if (frames.size() == most_frames) break;
    const auto end = section.offset + at;
    frames.push_back({.name = section.name, .offset = left.offset, .bytes = end - left.offset});
    left = {.name = section.name, .offset = end, .bytes = section.offset + section.bytes - end};
  }
  frames.push_back(std::move(left));
  return frames;
}

}  // namespace

Result<std::vector<UkiSection>> describe_uki(const fs::path& path) {
  LOAM_TRY(const auto size, size_of(path));
  LOAM_TRY(const auto file, open_file(path, O_RDONLY));
  std::vector<std::byte> bytes(std::min<std::uint64_t>(size, uki_head_bytes));
  LOAM_CHECK(read_exact(file.get(), bytes, 0));
  LOAM_TRY(const auto parts, parse_uki(bytes, size));
  std::vector<UkiSection> sections;
  for (const auto& part : parts) {
    LOAM_TRY(const auto frames, frames_of(file.get(), part));
    for (const auto& frame : frames) {
      LOAM_TRY(auto digest, sha256_range(file.get(), frame.offset, frame.bytes));
      sections.push_back(
          {.name = frame.name, .offset = frame.offset, .bytes = frame.bytes, .sha256 = std::move(digest)});
    }
  }
  return sections;
}

Result<Manifest> describe_release(const fs::path& directory, const ReleaseWords& words) {
  Manifest manifest{.version = words.version,
                    .machine = std::string(this_machine),
                    .kernel = words.kernel,
                    .kubernetes = words.kubernetes,
                    .config_versions = words.config_versions,
                    .upgrade_from = words.upgrade_from,
                    .floor = words.floor,
                    .revoked = words.revoked,
                    .root_hash = {},
                    .salt = {},
                    .files = {},
                    .uki = {},
                    .uki_in_root = {}};
  const auto path = [&](std::string_view suffix) {
    return directory / std::format("loam-{}.{}", words.version, suffix);
  };
  for (const auto* const suffix : {"efi", "boot.efi", "root", "verity"}) {
    auto& file = manifest.files[suffix];
    LOAM_TRY(file.size, size_of(path(suffix)));
    LOAM_TRY(file.sha256, sha256_file(path(suffix)));
  }
  LOAM_TRY(manifest.root_hash, root_hash_of(path("root"), path("verity")));
  LOAM_TRY(auto tree, VerityTree::open(path("verity"), 0, manifest.root_hash));
  manifest.salt = {tree.salt().begin(), tree.salt().end()};
  if (tree.data_bytes() != manifest.files.at("root").size)
    return fail(std::format("{}: is for {} bytes of data, the root has {}", path("verity").string(), tree.data_bytes(),
                            manifest.files.at("root").size));
  LOAM_CHECK(verify({.path = path("root"), .offset = 0}, tree, [](const Progress&) {}));
  LOAM_TRY(manifest.uki, describe_uki(path("efi")));
  LOAM_TRY(manifest.uki_in_root, find_copies(path("efi"), path("root")));
  LOAM_CHECK(parse_manifest(to_json(manifest)));
  return manifest;
}

}  // namespace loam::slots
