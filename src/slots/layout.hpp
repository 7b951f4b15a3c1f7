// Where things are on the OS disk. Pure: sizes in, offsets out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace loam::slots {

enum class Part : std::size_t { esp, verity_a, root_a, verity_b, root_b, loam, state };
inline constexpr std::size_t part_count = 7;
enum class SlotName : std::uint8_t { a, b };

struct PartitionKind {
  std::string_view name;  // GPT partition name
  std::string_view type;  // GPT partition type
  std::uint64_t bytes;    // 0: the rest of the disk
};

// Types: ESP and the roots' as in the UAPI Discoverable Partitions Specification (x86-64); loam and state are our own,
// so that nothing else mounts them.
inline constexpr std::array<PartitionKind, part_count> partition_kinds = {{
    {"loam-esp", "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", 2ULL << 30U},
    {"loam-verity-a", "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5", 64ULL << 20U},
    {"loam-root-a", "4f68bce3-e8cd-4db1-96e7-fbcaf984b709", 6ULL << 30U},
    {"loam-verity-b", "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5", 64ULL << 20U},
    {"loam-root-b", "4f68bce3-e8cd-4db1-96e7-fbcaf984b709", 6ULL << 30U},
    {"loam", "6c6f616d-0001-4a5e-9b3d-5f0c2a8e7d41", 1ULL << 30U},
    {"loam-state", "6c6f616d-0002-4a5e-9b3d-5f0c2a8e7d41", 0},
}};

// Name of the loam partition from the first write to the disk until it can boot.
inline constexpr std::string_view installing_mark = "loam-installing";

// Smallest state partition, in bytes.
inline constexpr std::uint64_t min_state_bytes = 4ULL << 30U;

constexpr const PartitionKind& kind(Part part) { return partition_kinds[static_cast<std::size_t>(part)]; }
constexpr Part root_part(SlotName slot) { return slot == SlotName::a ? Part::root_a : Part::root_b; }
constexpr Part verity_part(SlotName slot) { return slot == SlotName::a ? Part::verity_a : Part::verity_b; }
// Partition numbers count from 1.
constexpr int number(Part part) { return static_cast<int>(part) + 1; }

struct Extent {
  std::uint64_t offset = 0;  // bytes from the start of the disk
  std::uint64_t bytes = 0;
  bool operator==(const Extent&) const = default;
};

struct Layout {
  std::uint32_t sector_size = 512;
  std::array<Extent, part_count> parts{};
  const Extent& at(Part part) const { return parts[static_cast<std::size_t>(part)]; }
};

// Bytes that an OS disk must have.
std::uint64_t min_disk_bytes();

// sector_size: 512 or 4096. All partitions start at multiples of 1 MiB.
Result<Layout> layout_for(std::uint64_t disk_bytes, std::uint32_t sector_size);

// Input of sfdisk(8) for the layout. The loam partition carries the installing mark. `uuids`: one a partition.
std::string sfdisk_script(const Layout& layout, const std::array<std::string, part_count>& uuids);

}  // namespace loam::slots
