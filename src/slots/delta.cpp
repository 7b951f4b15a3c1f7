#include "slots/delta.hpp"

#include <algorithm>
#include <format>

namespace loam::slots {

namespace {

// A block of the target that still has what it had when block `at` is written: one ahead, or one that is not written.
// A few are tried: many equal blocks are rare, and a fetch is no fault.
const BlockIndex::Entry* still_there(std::span<const BlockIndex::Entry> found, std::uint64_t at,
                                     std::span<const Origin> so_far) {
  constexpr std::size_t tries = 8;
  const auto ahead = std::ranges::upper_bound(found, at, {}, &BlockIndex::Entry::block);
  if (ahead != found.end()) return &*ahead;
  const auto few = found.first(std::min(found.size(), tries));
  const auto kept = std::ranges::find_if(few, [&](const BlockIndex::Entry& entry) {
    return entry.block < at && so_far[entry.block].from() == From::here;
  });
  return kept == few.end() ? nullptr : &*kept;
}

Origin origin_of(const Digest& wanted, std::uint64_t at, const Seeds& seeds, std::span<const Origin> so_far) {
  if (wanted == seeds.zero)
    return at < seeds.blank.size() && seeds.blank[at] ? Origin(From::here, at) : Origin(From::zero, 0);
  const auto in_target = seeds.target.find(wanted);
  if (std::ranges::binary_search(in_target, at, {}, &BlockIndex::Entry::block)) return {From::here, at};
  if (const auto active = seeds.active.find(wanted); !active.empty()) return {From::active, active.front().block};
  if (const auto* const entry = still_there(in_target, at, so_far)) return {From::target, entry->block};
  return {From::fetch, 0};
}

}  // namespace

Result<std::vector<Origin>> plan_delta(std::uint64_t blocks, const std::function<Result<Digest>(std::uint64_t)>& leaf,
                                       const Seeds& seeds) {
  if (blocks > max_slot_blocks)
    return fail(std::format("a release of {} blocks; at most {} can be", blocks, max_slot_blocks));
  std::vector<Origin> origins;
  origins.reserve(blocks);
  for (std::uint64_t at = 0; at < blocks; ++at) {
    LOAM_TRY(const auto wanted, leaf(at));
    origins.push_back(origin_of(wanted, at, seeds, origins));
  }
  return origins;
}

std::vector<BlockRun> runs_to_fetch(std::span<const Origin> origins, const Coalescing& coalescing) {
  std::vector<BlockRun> runs;
  for (std::uint64_t at = 0; at < origins.size(); ++at) {
    if (origins[at].from() != From::fetch) continue;
    if (!runs.empty()) {
      auto& last = runs.back();
      const auto with_this = at + 1 - last.first;
      if (at - (last.first + last.blocks) <= coalescing.gap && with_this <= coalescing.limit) {
        last.blocks = with_this;
        continue;
      }
    }
    runs.push_back({.first = at, .blocks = 1});
  }
  return runs;
}

DeltaSummary summary(std::span<const Origin> origins) {
  DeltaSummary sum;
  for (const auto origin : origins) {
    switch (origin.from()) {
      case From::here: ++sum.here; break;
      case From::zero: ++sum.zero; break;
      case From::active:
      case From::target: ++sum.copied; break;
      case From::fetch: ++sum.fetched; break;
    }
  }
  return sum;
}

}  // namespace loam::slots
