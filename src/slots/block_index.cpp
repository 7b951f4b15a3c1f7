#include "slots/block_index.hpp"

#include <algorithm>
#include <cstring>
#include <tuple>

namespace loam::slots {

namespace {

BlockIndex::Entry entry_of(const Digest& digest, std::uint64_t block) {
  BlockIndex::Entry entry{.high = 0, .low = 0, .block = static_cast<std::uint32_t>(block)};
  std::memcpy(&entry.high, digest.data(), sizeof(entry.high));
  std::memcpy(&entry.low, digest.data() + sizeof(entry.high), sizeof(entry.low));
  return entry;
}

auto prefix(const BlockIndex::Entry& entry) { return std::tuple(entry.high, entry.low); }

}  // namespace

void BlockIndex::add(const Digest& digest, std::uint64_t block) { entries_.push_back(entry_of(digest, block)); }

void BlockIndex::sort() {
  std::ranges::sort(entries_, {}, [](const Entry& entry) { return std::tuple(entry.high, entry.low, entry.block); });
}

std::span<const BlockIndex::Entry> BlockIndex::find(const Digest& digest) const {
  const auto range = std::ranges::equal_range(entries_, prefix(entry_of(digest, 0)), {}, prefix);
  return {range.begin(), range.end()};
}

}  // namespace loam::slots
