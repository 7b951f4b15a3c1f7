// The partition table of a disk, read and changed through sfdisk(8), which works on disks and on files alike.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "slots/layout.hpp"

namespace loam::slots {

struct Partition {
  int number = 0;            // from 1
  std::uint64_t offset = 0;  // bytes
  std::uint64_t bytes = 0;
  std::string type;  // UUIDs in lower case
  std::string uuid;
  std::string name;
};

struct Gpt {
  std::vector<Partition> partitions;
  const Partition* find(int number) const;
};

// Output of `sfdisk --json`; the numbers in it are sectors of sector_size bytes.
Result<Gpt> parse_sfdisk_json(std::string_view json, std::uint32_t sector_size);

// What a disk is to the installer.
enum class TargetState : std::uint8_t {
  other,       // no Loam layout: blank, or somebody's
  installing,  // a Loam installation was begun and did not end
  installed,   // a whole Loam installation
};
TargetState target_state(const Gpt& gpt);

// True if every partition lies where the layout wants it and is of the layout's type.
bool same_places(const Gpt& gpt, const Layout& layout);

// An absent table is an empty Gpt; a damaged one is an error.
Result<Gpt> read_gpt(const std::filesystem::path& disk, std::uint32_t sector_size);
// Atomic for whoever looks after a kill: no table, or the whole one. Both ends of the disk must hold nothing before.
// script: input of sfdisk. sector_size, here and below: of an image file; a disk knows its own.
Result<void> write_gpt(const std::filesystem::path& disk, std::uint32_t sector_size, const std::string& script);
// Atomic in the same way.
Result<void> set_partition_uuid(const std::filesystem::path& disk, std::uint32_t sector_size, int number,
                                const std::string& uuid);
Result<void> set_partition_name(const std::filesystem::path& disk, std::uint32_t sector_size, int number,
                                std::string_view name);

}  // namespace loam::slots
