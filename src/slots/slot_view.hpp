// The two slots as people see them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "slots/boot_entries.hpp"
#include "slots/gpt.hpp"
#include "slots/layout.hpp"
#include "slots/manifest.hpp"
#include "slots/slot_checks.hpp"

namespace loam::slots {

struct SlotView {
  SlotName slot = SlotName::a;
  bool running = false;
  std::string version;              // empty: not known, or none
  std::optional<Digest> root_hash;  // of what the slot's partitions are named for
  std::optional<BootEntry> entry;   // its UKI on the ESP
  std::string uuid;                 // of the root partition
  std::uint64_t bytes = 0;          // of the root partition
  std::optional<SlotCheck> check;   // when it was last read as a whole
  // One word: empty, incomplete, blessed, trial, failed, retired, unbootable.
  std::string state;
};

struct RunningSlot {
  std::string version;
  Digest root_hash{};
};

// kept: manifests of releases that the node remembers.
std::vector<SlotView> view_slots(const Gpt& gpt, const std::vector<BootEntry>& entries,
                                 const std::vector<Manifest>& kept, const RunningSlot& running,
                                 const SlotChecks& checks);

// "on trial, 2 tries left", for people.
std::string state_text(const SlotView& view);

}  // namespace loam::slots
