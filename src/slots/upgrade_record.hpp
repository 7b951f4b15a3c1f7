// What a node remembers of an upgrade over reboots, on its loam partition, and what it makes of it. Pure, but for
// reading and writing the two small files.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "slots/boot_entries.hpp"

namespace loam::slots {

inline constexpr std::string_view upgrade_record_path = "/loam/upgrade.json";
inline constexpr std::string_view upgrade_journal_path = "/loam/upgrade.journal";
inline constexpr std::string_view boot_failure_path = "/loam/boot-failure.json";
// EFI variable of Loam's vendor: version, a line's end and why the initrd of that release gave up.
inline constexpr std::string_view boot_failure_variable = "LoamBootFailure";

// Written when a release is installed in the other slot.
struct UpgradeRecord {
  std::string from;
  std::string meant;
  std::string failure;     // why the node runs from `from` again; empty: it is not known to have failed
  bool by_itself = false;  // nobody asked for it: the restart waits for a window
  bool operator==(const UpgradeRecord&) const = default;
};

// Written by a release that gives up, for the one that comes after it.
struct BootFailure {
  std::string version;  // that gave up
  std::string why;
  bool operator==(const BootFailure&) const = default;
};

std::string to_json(const UpgradeRecord& record);
// Into the node's own data; what an earlier release said of its failure is gone then.
Result<void> mean_release(const std::filesystem::path& state, const UpgradeRecord& record);
std::string to_json(const BootFailure& failure);
// Nothing for a missing file; one that cannot be read was cut off by a power cut of another age, and says nothing.
std::optional<UpgradeRecord> read_upgrade_record(const std::filesystem::path& path);
std::optional<BootFailure> read_boot_failure(const std::filesystem::path& path);

enum class UpgradeState : std::uint8_t {
  none,        // nothing was meant
  pending,     // it is installed; a reboot starts it
  trial,       // it runs and has not proven itself yet
  proven,      // it runs and is blessed
  fell_back,   // it was started, and the node came back
  interrupted  // the other slot holds a part of it
};

struct UpgradeOutcome {
  UpgradeState state = UpgradeState::none;
  std::string message;
  std::string failure;  // of fell_back
};

// What an upgrade was that neither came to its end nor failed, as after a power cut: a title. Nothing if there was
// none, or if it was to the release that runs: a power cut right before its last note.
std::optional<std::string> interrupted_upgrade(const std::filesystem::path& journal,
                                               const std::string& running_root_hash);
// With what that leaves behind. Of what was installed all the same, nothing is missing.
UpgradeOutcome with_interrupted(UpgradeOutcome outcome, const std::optional<std::string>& interrupted);

// entries: on the ESP now. failure: what the last release that gave up said.
UpgradeOutcome judge_upgrade(const std::optional<UpgradeRecord>& record, const std::string& running,
                             const std::vector<BootEntry>& entries, const std::optional<BootFailure>& failure);

}  // namespace loam::slots
