// What stands on a disk, as far as it is known. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "diskmgr/bluestore.hpp"

namespace loam::diskmgr {

struct Signature {
  std::string kind;  // "ext4", "LVM2_member", "gpt partition table", "data of an unknown kind"
  std::string label;
  std::string uuid;
  std::uint64_t offset = 0;  // of the bytes by which it is known, from the start of the disk
  bool operator==(const Signature&) const = default;
};

struct Content {
  std::vector<Signature> signatures;
  std::optional<BluestoreLabel> osd;  // among the signatures too
  bool blank() const { return signatures.empty(); }
  bool operator==(const Content&) const = default;
};

// "ext4 "photos" (uuid 1234-...), data of an unknown kind"; "nothing" of a blank disk. What comes from the disk is made
// printable.
std::string to_text(const Content& content);

std::string to_json(const Content& content);
Result<Content> parse_content(std::string_view json);

}  // namespace loam::diskmgr
