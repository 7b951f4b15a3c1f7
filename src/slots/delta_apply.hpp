// Fills a slot with a release by fetching only what no local slot has. Nothing unverified is written; run again after
// any interruption, it finds what is done already.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "slots/delta.hpp"
#include "slots/source.hpp"
#include "slots/transfer.hpp"
#include "slots/verity.hpp"

namespace loam::slots {

// A slot whose content is known by its tree. The blocks are hashed again before they are used.
struct ActiveSlot {
  Place root;
  VerityTree* tree = nullptr;
};

struct DeltaTarget {
  Place root;
  std::uint64_t bytes = 0;  // of the partition
  bool unused = false;      // it never held a release: nothing is looked for in it
};

struct DeltaProgress {
  std::uint64_t reused = 0;   // bytes of the release that were there already or came from a slot
  std::uint64_t fetched = 0;  // bytes that came from the source
  std::uint64_t left = 0;     // bytes still to be fetched
};

struct DeltaOptions {
  Coalescing coalescing;
  std::function<void(const DeltaProgress&)> progress = [](const DeltaProgress&) {};
};

struct DeltaReport {
  DeltaSummary planned;
  std::uint64_t reread = 0;   // blocks of a slot that were not what its tree says, and were fetched instead
  std::uint64_t fetched = 0;  // bytes, with those between the blocks that were needed
};

// name: of the root in the source. Synced at its end.
Result<DeltaReport> apply_delta(VerityTree& tree, const DeltaTarget& target, const std::optional<ActiveSlot>& active,
                                Source& source, const std::string& name, const DeltaOptions& options);

// What it would do; nothing is written.
Result<DeltaSummary> measure_delta(VerityTree& tree, const DeltaTarget& target,
                                   const std::optional<ActiveSlot>& active);

}  // namespace loam::slots
