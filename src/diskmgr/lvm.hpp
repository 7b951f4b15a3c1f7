// What LVM writes on a physical volume. Read by ourselves: a disk of unknown origin is looked at without activating
// anything on it. Pure.
// Source of the formats: lib/label/label.h, lib/format_text/layout.h and lvm.conf's text syntax in lvm2 2.03.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace loam::diskmgr {

// The label stands in one of the first four sectors of 512 bytes.
inline constexpr std::size_t lvm_label_area = 2048;
inline constexpr std::size_t lvm_area_header_bytes = 512;
// Text longer than this is not read.
inline constexpr std::uint64_t lvm_text_limit = 16U << 20U;

// Offsets and sizes in bytes from the start of the physical volume.
struct Extent {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  bool operator==(const Extent&) const = default;
};

struct LvmLabel {
  std::string pv_uuid;        // as in the text: with hyphens
  std::vector<Extent> areas;  // of metadata
  bool operator==(const LvmLabel&) const = default;
};

struct LvmVolume {
  std::string name;
  std::vector<std::string> tags;
  std::uint64_t bytes = 0;             // on this physical volume
  std::optional<std::uint64_t> start;  // on this physical volume, if the volume begins on it
  bool operator==(const LvmVolume&) const = default;
};

struct LvmGroup {
  std::string name;
  std::string uuid;
  std::uint64_t bytes = 0;         // of this physical volume's extents
  std::vector<LvmVolume> volumes;  // those with a part on this physical volume
  bool operator==(const LvmGroup&) const = default;
};

// start: the first lvm_label_area bytes of the device.
Result<LvmLabel> parse_lvm_label(std::span<const std::byte> start);

struct LvmText {
  std::vector<Extent> pieces;  // it goes round at the area's end, so there may be two
  std::uint32_t checksum = 0;
};

// Where the text of an area stands. No pieces: it has none, as of a physical volume without a group, or is not in use.
Result<LvmText> parse_lvm_area(std::span<const std::byte> header, const Extent& area);

bool is_whole(const LvmText& text, std::span<const std::byte> bytes);

// The group in the text, as far as it is on the physical volume with this UUID.
Result<LvmGroup> parse_lvm_text(std::string_view text, const std::string& pv_uuid);

}  // namespace loam::diskmgr
