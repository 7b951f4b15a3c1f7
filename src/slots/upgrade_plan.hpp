// How the slot that a node does not run from comes to hold another release. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "plan/plan.hpp"
#include "slots/boot_entries.hpp"
#include "slots/gpt.hpp"
#include "slots/layout.hpp"
#include "slots/manifest.hpp"

namespace loam::slots {

// The node as it was found.
struct UpgradeFacts {
  std::string machine;  // "x86_64"
  std::string version;  // of the release that runs
  Digest root_hash{};   // of the same
  std::string kubernetes;
  bool in_cluster = false;            // by loam.yaml
  std::optional<int> config_version;  // of loam.yaml; none: it has none
  std::string floor = "0";
  bool named = true;  // a person named this very release; false: it is what a directory's "latest" says
  Gpt gpt;
  std::vector<std::string> uki_files;              // in EFI/Linux
  std::map<std::string, std::uint64_t> uki_bytes;  // of those among them that are not the running release's
  bool running_starts = true;                      // the running release's UKI is there and can be read
  std::uint64_t esp_free = 0;                      // bytes, as it would be without what the other slot has there
  bool ranges = true;                              // parts of the release's files can be had; false: each comes whole
  bool full_download = true;                       // that is allowed
};

// The slot whose root partition has the UUID of the release that runs.
Result<SlotName> running_slot(const Gpt& gpt, const Digest& root_hash);
constexpr SlotName other(SlotName slot) { return slot == SlotName::a ? SlotName::b : SlotName::a; }
constexpr char letter(SlotName slot) { return slot == SlotName::a ? 'a' : 'b'; }

// Files in EFI/Linux that are ours and not of this version, also those that were cut off while they were written.
std::vector<std::string> foreign_ukis(const std::vector<std::string>& uki_files, const std::string& version);

// True if the other slot holds it, named, and its UKI can start: one that a power cut left empty cannot.
bool is_installed(const UpgradeFacts& facts, const Manifest& manifest);

// What forcing overrides: the floor, and a Kubernetes that goes back or away.
enum class Force : bool { no, yes };

// Refuses what does not fit this node, and what would leave it without a release that has proven itself; nothing has
// been written then. Empty if the release is installed and only a reboot is missing. The same plan until it is done.
Result<plan::Plan> plan_upgrade(const UpgradeFacts& facts, const Manifest& manifest, Force force);

// What a person should know besides: sentences.
std::vector<std::string> upgrade_remarks(const UpgradeFacts& facts, const Manifest& manifest);

}  // namespace loam::slots
