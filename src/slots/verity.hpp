// dm-verity format 1 on disk: superblock and hash tree, read and checked without the kernel.
// Source: cryptsetup lib/verity/verity.c and verity_hash.c; kernel Documentation/admin-guide/device-mapper/verity.rst.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
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

// Bytes of a hash area at an offset, all of them.
using ReadArea = std::function<Result<void>(std::uint64_t offset, std::span<std::byte> bytes)>;

// A tree whose every level was checked up to a root hash that the caller trusts. Only the levels above the leaves are
// kept, so that the largest slot's takes half a megabyte; a block of leaves is read and checked again when it is
// needed. For one thread at a time; fastest when it is asked in order.
class VerityTree {
 public:
  // `area`: superblock and tree as in a hash partition; what lies behind the tree is not read.
  static Result<VerityTree> load(ReadArea area, const Digest& root);
  static Result<VerityTree> open(const std::filesystem::path& path, std::uint64_t offset, const Digest& root);

  std::uint64_t data_blocks() const { return superblock_.data_blocks; }
  std::uint64_t data_bytes() const { return data_blocks() * block_size; }
  std::span<const std::byte> salt() const { return superblock_.salt; }
  std::uint64_t area_bytes() const { return hash_area_bytes(data_blocks()); }
  // What data block `index` must have; index < data_blocks().
  Result<Digest> leaf(std::uint64_t index);
  // Superblock and tree, to a file or disk; not synced.
  Result<void> copy_to(int fd, std::uint64_t offset) const;

 private:
  VerityTree(ReadArea area, VeritySuperblock superblock, const Digest& root)
      : read_(std::move(area)), superblock_(std::move(superblock)), root_(root) {}
  Result<void> read_upper();
  Result<void> check_upper();
  Result<void> check_leaves();
  Digest upper_digest(std::uint64_t first_block, std::uint64_t index) const;
  Digest wanted_of_leaves(std::uint64_t block) const;
  Error damaged(std::uint64_t block) const;

  ReadArea read_;
  VeritySuperblock superblock_;
  Digest root_{};
  std::vector<std::byte> upper_;    // hash blocks 1 to first_leaf_ - 1
  std::uint64_t first_leaf_ = 0;    // hash block at which the leaves start; 0: there is no tree
  std::uint64_t above_leaves_ = 0;  // hash block at which the level above them starts
  std::uint64_t kept_ = 0;          // hash block that is in leaves_; 0: none
  std::vector<std::byte> leaves_;
};

}  // namespace loam::slots
