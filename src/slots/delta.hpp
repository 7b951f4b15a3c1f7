// Where each block of a new release comes from. Pure: digests in, origins out; who copies hashes every block again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/error.hpp"
#include "slots/block_index.hpp"

namespace loam::slots {

enum class From : std::uint8_t {
  fetch,   // the release
  here,    // it is right in the target already
  zero,    // nothing but zeros
  active,  // the slot that the node runs from
  target,  // what the target held before, at a place that is not written before
};

// Four bytes a block.
class Origin {
 public:
  Origin() = default;
  Origin(From from, std::uint64_t block)
      : word_(static_cast<std::uint32_t>(from) << block_bits | static_cast<std::uint32_t>(block)) {}
  From from() const { return static_cast<From>(word_ >> block_bits); }
  std::uint64_t block() const { return word_ & ((1U << block_bits) - 1); }  // of active and target
  bool operator==(const Origin&) const = default;

 private:
  static constexpr unsigned block_bits = 29;
  std::uint32_t word_ = 0;
};

// Blocks of a slot that an Origin can name: 2 TiB.
inline constexpr std::uint64_t max_slot_blocks = 1ULL << 29U;

struct Seeds {
  BlockIndex active;
  BlockIndex target;        // what the target holds now, without blocks of zeros
  std::vector<bool> blank;  // blocks of the target that hold nothing but zeros; may be shorter than the target
  Digest zero{};            // what a block of zeros has, with the release's salt
};

// Blocks are written in order, so what the target held can be used as long as it lies ahead, or where nothing is
// written. leaf: what the new release's blocks must have, in order.
Result<std::vector<Origin>> plan_delta(std::uint64_t blocks, const std::function<Result<Digest>(std::uint64_t)>& leaf,
                                       const Seeds& seeds);

// Blocks in a row.
struct BlockRun {
  std::uint64_t first = 0;
  std::uint64_t blocks = 0;
  bool operator==(const BlockRun&) const = default;
};

// What is fetched, in few requests: gaps of at most this many blocks are fetched with what is around them, and no run
// is longer than the limit.
struct Coalescing {
  std::uint64_t gap = 1;            // as many bytes as one request more costs on the way
  std::uint64_t limit = 1U << 11U;  // 8 MiB
};
std::vector<BlockRun> runs_to_fetch(std::span<const Origin> origins, const Coalescing& coalescing = {});

struct DeltaSummary {
  std::uint64_t here = 0;  // blocks
  std::uint64_t zero = 0;
  std::uint64_t copied = 0;  // from either slot
  std::uint64_t fetched = 0;
};
DeltaSummary summary(std::span<const Origin> origins);

}  // namespace loam::slots
