// Which block of a local slot has which digest. Twelve bytes a block: the largest slot's index is 19 MiB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "slots/sha256.hpp"

namespace loam::slots {

class BlockIndex {
 public:
  // Half of what a vector would take when it grows.
  void reserve(std::size_t blocks) { entries_.reserve(blocks); }
  // In any order; block < 2^32.
  void add(const Digest& digest, std::uint64_t block);
  // Once, after the last add().
  void sort();
  std::size_t size() const { return entries_.size(); }

  struct Entry {
    // The first 64 bits of the digest. Whoever copies a block hashes it again, so a false match costs a fetch only.
    std::uint32_t high;
    std::uint32_t low;
    std::uint32_t block;
    bool operator==(const Entry&) const = default;
  };
  // All blocks that seem to have the digest, in order.
  std::span<const Entry> find(const Digest& digest) const;

 private:
  std::vector<Entry> entries_;
};

}  // namespace loam::slots
