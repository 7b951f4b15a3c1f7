// The label by which Ceph's BlueStore marks each device of an OSD. Pure.
// Source of the format: bluestore_bdev_label_t in Ceph's src/os/bluestore/bluestore_types.cc, versions 1 and 2.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/error.hpp"

namespace loam::diskmgr {

inline constexpr std::size_t bluestore_label_bytes = 4096;
// Copies beside the first since Ceph 20, for a disk whose start was overwritten. Offsets in bytes.
inline constexpr std::array<std::uint64_t, 5> bluestore_label_offsets = {
    0, std::uint64_t{1} << 30U, std::uint64_t{10} << 30U, std::uint64_t{100} << 30U, std::uint64_t{1000} << 30U};

struct BluestoreLabel {
  std::string osd_uuid;
  std::uint64_t bytes = 0;  // of the device when the OSD was made
  std::string description;  // "main", "bluefs db", "bluefs wal"
  std::string ceph_fsid;    // of the cluster; databases do not say it
  std::string whoami;       // number of the OSD; databases do not say it
  bool operator==(const BluestoreLabel&) const = default;
};

// True if it begins like one, whole or damaged.
bool is_bluestore_label(std::span<const std::byte> block);

// block: the bytes from one of the offsets. An error if it is none, or damaged. The key of the OSD, which stands there
// too, is passed over.
Result<BluestoreLabel> parse_bluestore_label(std::span<const std::byte> block);

}  // namespace loam::diskmgr
