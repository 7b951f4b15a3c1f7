// dm-verity format 1 on disk: superblock and hash tree, read and checked without the kernel.
// Source: cryptsetup lib/verity/verity.c and verity_hash.c; kernel Documentation/admin-guide/device-mapper/verity.rst.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "slots/sha256.hpp"

namespace loam::slots {

// The only block size that Loam makes and accepts, in bytes, for data and hashes.
inline constexpr std::size_t block_size = 4096;
inline constexpr std::size_t digests_per_block = block_size / sizeof(Digest);

using Block = std::span<const std::byte, block_size>;

struct VeritySuperblock {
  std::uint64_t data_blocks = 0;
  std::vector<std::byte> salt;
};

// Reads the 512 bytes at the start of a hash partition.
Result<VeritySuperblock> parse_superblock(std::span<const std::byte> bytes);

// Hash blocks of each level, leaves first. Empty for a single data block, whose digest is the root.
std::vector<std::uint64_t> level_sizes(std::uint64_t data_blocks);

// Bytes of superblock and tree for that much data.
std::uint64_t hash_area_bytes(std::uint64_t data_blocks);

Result<Digest> parse_digest(std::string_view hex);

// A tree whose every level was checked up to a root hash that the caller trusts.
class VerityTree {
 public:
  // `hash_area`: superblock and tree as in a hash partition; bytes behind the tree are ignored.
  static Result<VerityTree> load(std::vector<std::byte> hash_area, const Digest& root);

  std::uint64_t data_blocks() const { return superblock_.data_blocks; }
  std::uint64_t data_bytes() const { return data_blocks() * block_size; }
  std::span<const std::byte> salt() const { return superblock_.salt; }
  // Superblock and tree, to be written as they are.
  std::span<const std::byte> bytes() const { return area_; }
  // True if `digest` is what the tree holds for data block `index`; index < data_blocks().
  bool matches(std::uint64_t index, const Digest& digest) const;

 private:
  VerityTree(std::vector<std::byte> area, VeritySuperblock superblock, const Digest& root)
      : area_(std::move(area)), superblock_(std::move(superblock)), root_(root) {}
  Result<void> check();
  bool digest_at(std::uint64_t first_block, std::uint64_t index, const Digest& digest) const;

  std::vector<std::byte> area_;
  VeritySuperblock superblock_;
  Digest root_{};
  std::uint64_t first_leaf_ = 0;  // hash block at which the leaves start
};

}  // namespace loam::slots
