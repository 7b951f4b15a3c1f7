// Unified kernel images as files: the sections of a PE image, so that those that did not change need no fetching.
// Format: https://learn.microsoft.com/windows/win32/debug/pe-format and
// https://uapi-group.org/specifications/specs/unified_kernel_image/
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace loam::slots {

struct UkiPart {
  std::string name;          // ".linux"; "headers" before the first section, "rest" between or behind them
  std::uint64_t offset = 0;  // bytes in the file
  std::uint64_t bytes = 0;
  bool operator==(const UkiPart&) const = default;
};

// An initrd is made of frames that each begin at such a multiple of it, so that a change of one file leaves the others'
// bytes as they are.
inline constexpr std::size_t uki_frame_alignment = 4096;
// True if a frame begins with these bytes: one of zstd (RFC 8878, section 3.1.1) or an archive as it is (cpio's newc).
bool begins_frame(std::span<const std::byte, 4> bytes);

// Bytes at the start of a UKI that hold all of its headers.
inline constexpr std::size_t uki_head_bytes = 64U << 10U;

// The whole file in order, without gaps. head: its first uki_head_bytes, or all of a smaller one.
Result<std::vector<UkiPart>> parse_uki(std::span<const std::byte> head, std::uint64_t file_bytes);

}  // namespace loam::slots
