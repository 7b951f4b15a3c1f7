#include "slots/verity.hpp"

#include <algorithm>
#include <cstring>
#include <format>
#include <numeric>
#include <ranges>

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
// 64 PiB: far beyond any slot, and small enough that no product below overflows.
constexpr std::uint64_t max_data_blocks = 1ULL << 44U;

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

Result<VerityTree> VerityTree::load(std::vector<std::byte> hash_area, const Digest& root) {
  LOAM_TRY(auto superblock, parse_superblock(hash_area));
  const auto expected = hash_area_bytes(superblock.data_blocks);
  if (hash_area.size() < expected)
    return fail(std::format("verity tree: {} bytes, {} are needed for {} data blocks", hash_area.size(), expected,
                            superblock.data_blocks),
                "the file is cut off; get the release again");
  hash_area.resize(expected);
  VerityTree tree(std::move(hash_area), std::move(superblock), root);
  LOAM_CHECK(tree.check());
  return tree;
}

bool VerityTree::digest_at(std::uint64_t first_block, std::uint64_t index, const Digest& digest) const {
  const auto offset = first_block * block_size + index * sizeof(Digest);
  return std::memcmp(area_.data() + offset, digest.data(), sizeof(Digest)) == 0;
}

// Each level against the one above it, from the root down: nothing below a wrong block is looked at.
Result<void> VerityTree::check() {
  SaltedSha256 hash(superblock_.salt);
  const auto levels = level_sizes(superblock_.data_blocks);
  std::uint64_t first = 1;
  std::uint64_t above = 0;
  for (const auto blocks : std::views::reverse(levels)) {
    for (std::uint64_t i = 0; i < blocks; ++i) {
      const auto digest = hash(std::span(area_).subspan((first + i) * block_size, block_size));
      const bool good = first == 1 ? digest == root_ : digest_at(above, i, digest);
      if (!good)
        return fail(std::format("verity tree: hash block {} does not match the root hash {}", first + i, to_hex(root_)),
                    "the release is damaged or not the one that was meant; get it again");
    }
    above = first;
    first += blocks;
  }
  first_leaf_ = above;
  return {};
}

bool VerityTree::matches(std::uint64_t index, const Digest& digest) const {
  return first_leaf_ == 0 ? digest == root_ : digest_at(first_leaf_, index, digest);
}

}  // namespace loam::slots
