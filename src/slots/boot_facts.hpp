// What the initrd found out, handed to the running system in /run/loam/boot.json.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "slots/boot_disk.hpp"

namespace loam::slots {

inline constexpr std::string_view boot_facts_path = "/run/loam/boot.json";
// Where a live system finds the release that it booted.
inline constexpr std::string_view live_release_path = "/run/loam/release/loam";

struct BootFacts {
  bool live = false;      // runs from a medium; nothing is installed here yet
  std::string root_hash;  // hexadecimal
  BootDisk disk;          // of an installed system; of a live one only `disk`, the medium
  bool keeps = true;      // the loam partition is mounted: what is written there is there after a restart
  // Why the node runs without its loam or state partition, one sentence each. Not empty: console only, change nothing.
  std::vector<std::string> problems;
};

std::string to_json(const BootFacts& facts);
Result<BootFacts> parse_boot_facts(std::string_view json);

}  // namespace loam::slots
