// The effects of an upgrade plan: every action can be killed and run again, and until the last one is done nothing
// starts otherwise than before.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "plan/executor.hpp"
#include "slots/delta_apply.hpp"
#include "slots/esp_files.hpp"
#include "slots/find_release.hpp"
#include "slots/uki_fetch.hpp"
#include "slots/upgrade_plan.hpp"

namespace loam::slots {

struct UpgradeDisk {
  std::filesystem::path path;       // disk or image file
  std::uint32_t sector_size = 512;  // of an image file
  std::filesystem::path state;      // the node's own data: /loam
  std::filesystem::path releases;   // what the node remembers of them
  bool by_itself = false;           // nobody asked for this upgrade
};

struct UpgradeProgress {
  Progress progress;                   // of the step
  std::optional<DeltaProgress> delta;  // while the slot is being filled
};

// What must be fetched for a release: known once its tree is.
struct UpgradeSize {
  DeltaSummary blocks;     // of the root, that are needed
  std::uint64_t root = 0;  // bytes
  std::uint64_t tree = 0;  // bytes
  std::uint64_t uki = 0;   // bytes
  std::uint64_t fetched() const { return root + tree + uki; }
};

class UpgradeApply {
 public:
  using Tell = std::function<void(const UpgradeProgress&)>;
  UpgradeApply(UpgradeDisk disk, UpgradeFacts facts, const OfferedRelease& offered, const EspFiles& esp, Tell tell);

  // One handler an action kind of plan_upgrade. They refer to this object.
  plan::Handlers handlers();
  // Fetches the tree into memory and writes nothing.
  Result<UpgradeSize> measure();

 private:
  Result<void> check_offer() const;
  Result<void> retire_slot();
  Result<void> fetch_tree();
  Result<void> fill_slot();
  Result<void> verify_slot();
  Result<void> name_slot();
  Result<void> keep();
  Result<void> install_uki();
  Result<void> retire_running();

  Result<SlotName> running() const { return running_slot(facts_.gpt, facts_.root_hash); }
  Result<SlotName> target() const {
    return running().transform([](SlotName slot) { return other(slot); });
  }
  Result<Place> place(Part part) const;
  Result<bool> never_used() const;
  Result<DeltaTarget> target_root() const;
  Result<VerityTree> target_tree() const;
  Result<void> load_tree_to(const Place& place);
  Result<void> name(const std::string& data_uuid, const std::string& verity_uuid);
  // Calls with the running release's tree, if it can be read: without it everything is fetched.
  Result<std::optional<ActiveSlot>> active(std::optional<VerityTree>& tree) const;
  Result<void> remove_other_counters(const std::string& name) const;
  Result<UkiSeeds> uki_seeds(const std::filesystem::path& scratch) const;

  UpgradeDisk disk_;
  UpgradeFacts facts_;
  const OfferedRelease* offered_;
  const EspFiles* esp_;
  Tell tell_;
  bool unused_ = false;  // the target never held a release, and this run began with it
};

// Table, files on the ESP and room there. version, root_hash and what loam.yaml says are the caller's to fill in.
Result<void> observe_upgrade(const UpgradeDisk& disk, const EspFiles& esp, UpgradeFacts& facts);

}  // namespace loam::slots
