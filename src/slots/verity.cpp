#include "slots/verity.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <format>
#include <memory>
#include <numeric>
#include <ranges>

#include "base/file.hpp"
#include "base/text.hpp"

namespace loam::slots {

namespace {

// Little endian, as all of the superblock.
template <typename T>
T little(std::span<const std::byte> bytes, std::size_t offset) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value |= static_cast<T>(std::to_integer<T>(bytes[offset + i]) << (8 * i));
  return value;
}

constexpr std::size_t superblock_bytes = 512;
constexpr std::size_t copy_bytes = 1U << 20U;
// 1 TiB: far beyond any slot, and small enough that the levels above the leaves fit into memory.
constexpr std::uint64_t max_data_blocks = 1ULL << 28U;

}  // namespace

Result<VeritySuperblock> parse_superblock(std::span<const std::byte> bytes) {
  if (bytes.size() < superblock_bytes)
    return fail(std::format("verity superblock: {} bytes, {} were expected", bytes.size(), superblock_bytes));
  if (std::memcmp(bytes.data(), "verity\0\0", 8) != 0) return fail("verity superblock: its signature is missing");
  const auto version = little<std::uint32_t>(bytes, 8);
  const auto hash_type = little<std::uint32_t>(bytes, 12);
  if (version != 1 || hash_type != 1)
    return fail(std::format("verity superblock: version {} type {}, expected 1 and 1", version, hash_type));
  if (std::memcmp(bytes.data() + 32, "sha256\0", 7) != 0) return fail("verity superblock: the algorithm is not sha256");
  const auto data_size = little<std::uint32_t>(bytes, 64);
  const auto hash_size = little<std::uint32_t>(bytes, 68);
  if (data_size != block_size || hash_size != block_size)
    return fail(std::format("verity superblock: blocks of {} and {} bytes, expected 4096", data_size, hash_size));
  const auto blocks = little<std::uint64_t>(bytes, 72);
  const auto salt_size = little<std::uint16_t>(bytes, 80);
  if (blocks == 0 || blocks > max_data_blocks || salt_size > 256)
    return fail(std::format("verity superblock: {} data blocks, {} bytes of salt", blocks, salt_size));
  const auto salt = bytes.subspan(88, salt_size);
  return VeritySuperblock{.data_blocks = blocks, .salt = {salt.begin(), salt.end()}};
}

std::vector<std::uint64_t> level_sizes(std::uint64_t data_blocks) {
  std::vector<std::uint64_t> levels;
  for (auto blocks = data_blocks; blocks > 1;) {
    blocks = (blocks + digests_per_block - 1) / digests_per_block;
    levels.push_back(blocks);
  }
  return levels;
}

std::uint64_t hash_area_bytes(std::uint64_t data_blocks) {
  const auto levels = level_sizes(data_blocks);
  return (1 + std::accumulate(levels.begin(), levels.end(), std::uint64_t{0})) * block_size;
}

Result<Digest> parse_digest(std::string_view hex) {
  LOAM_TRY(const auto bytes, from_hex(hex));
  Digest digest{};
  if (bytes.size() != digest.size())
    return fail(std::format("a SHA-256 digest has 64 hexadecimal digits, found {}", hex.size()));
  std::ranges::copy(bytes, digest.begin());
  return digest;
}

Result<VerityTree> VerityTree::load(ReadArea area, const Digest& root) {
  std::vector<std::byte> first(block_size);
  LOAM_CHECK(area(0, first));
  LOAM_TRY(auto superblock, parse_superblock(first));
  VerityTree tree(std::move(area), std::move(superblock), root);
  auto whole = tree.read_upper();
  if (whole) whole = tree.check_upper();
  if (whole) whole = tree.check_leaves();
  if (!whole) return std::unexpected(std::move(whole).error());
  return tree;
}

Result<VerityTree> VerityTree::open(const std::filesystem::path& path, std::uint64_t offset, const Digest& root) {
  LOAM_TRY(auto fd, open_file(path, O_RDONLY));
  ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);  // what is on the disk, not what was written to it
  const auto file = std::make_shared<UniqueFd>(std::move(fd));
  return load(
      [file, offset, path](std::uint64_t at, std::span<std::byte> bytes) -> Result<void> {
        if (auto read = read_exact(file->get(), bytes, offset + at); !read)
          return std::unexpected(std::move(read).error().context("verity tree in " + path.string()));
        return {};
      },
      root);
}

// Levels lie top first, leaves last.
Result<void> VerityTree::read_upper() {
  const auto levels = level_sizes(superblock_.data_blocks);
  if (levels.empty()) return {};
  const auto upper = std::accumulate(levels.begin() + 1, levels.end(), std::uint64_t{0});
  first_leaf_ = 1 + upper;
  above_leaves_ = levels.size() > 1 ? first_leaf_ - levels[1] : 0;
  upper_.resize(upper * block_size);
  return upper_.empty() ? Result<void>{} : read_(block_size, upper_);
}

Digest VerityTree::upper_digest(std::uint64_t first_block, std::uint64_t index) const {
  Digest digest{};
  std::memcpy(digest.data(), upper_.data() + (first_block - 1) * block_size + index * sizeof(Digest), sizeof(Digest));
  return digest;
}

Digest VerityTree::wanted_of_leaves(std::uint64_t block) const {
  return above_leaves_ == 0 ? root_ : upper_digest(above_leaves_, block);
}

Error VerityTree::damaged(std::uint64_t block) const {
  return Error(std::format("verity tree: hash block {} does not match the root hash {}", block, to_hex(root_)),
               "the release is damaged or not the one that was meant; get it again");
}

// Each level against the one above it, from the root down: nothing below a wrong block is looked at.
Result<void> VerityTree::check_upper() {
  SaltedSha256 hash(superblock_.salt);
  auto levels = level_sizes(superblock_.data_blocks);
  if (!levels.empty()) levels.erase(levels.begin());
  std::uint64_t first = 1;
  std::uint64_t above = 0;
  for (const auto blocks : std::views::reverse(levels)) {
    for (std::uint64_t i = 0; i < blocks; ++i) {
      const auto digest = hash(std::span(upper_).subspan((first - 1 + i) * block_size, block_size));
      if (digest != (above == 0 ? root_ : upper_digest(above, i))) return std::unexpected(damaged(first + i));
    }
    above = first;
    first += blocks;
  }
  return {};
}

Result<void> VerityTree::check_leaves() {
  for (std::uint64_t index = 0; index < data_blocks(); index += digests_per_block) LOAM_CHECK(leaf(index));
  return {};
}

Result<Digest> VerityTree::leaf(std::uint64_t index) {
  if (first_leaf_ == 0) return root_;
  const auto number = index / digests_per_block;
  if (const auto block = first_leaf_ + number; kept_ != block) {
    leaves_.resize(block_size);
    kept_ = 0;
    LOAM_CHECK(read_(block * block_size, leaves_));
    if (SaltedSha256 hash(superblock_.salt); hash(leaves_) != wanted_of_leaves(number))
      return std::unexpected(damaged(block));
    kept_ = block;
  }
  Digest digest{};
  std::memcpy(digest.data(), leaves_.data() + index % digests_per_block * sizeof(Digest), sizeof(Digest));
  return digest;
}

Result<void> VerityTree::copy_to(int fd, std::uint64_t offset) const {
  std::vector<std::byte> chunk;
  for (std::uint64_t at = 0; at < area_bytes(); at += chunk.size()) {
    chunk.resize(std::min<std::uint64_t>(copy_bytes, area_bytes() - at));
    LOAM_CHECK(read_(at, chunk));
    LOAM_CHECK(write_exact(fd, chunk, offset + at));
  }
  return {};
}

}  // namespace loam::slots
