// What stands on a disk, as far as it is known. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace loam::diskmgr {

// Kinds of signatures that are none of blkid's.
namespace kind {
inline constexpr std::string_view unknown = "data of an unknown kind";
// A disk that was used, or one of a RAID controller's.
inline constexpr std::string_view between_ends = "data of an unknown kind between its ends";
inline constexpr std::string_view damaged_osd = "a Ceph OSD with a damaged label";
inline constexpr std::string_view damaged_lvm = "metadata of LVM that cannot be read";
}  // namespace kind

struct Signature {
  std::string kind;  // "ext4", "LVM2_member", "gpt partition table", "data of an unknown kind"
  std::string label;
  std::string uuid;
  std::uint64_t offset = 0;  // of the bytes by which it is known, from the start of the disk
  bool operator==(const Signature&) const = default;
};

enum class CephRole : std::uint8_t { block, db, wal };
std::string_view role_name(CephRole role);

// What one OSD has on a disk: all of it, or a logical volume.
struct CephPart {
  CephRole role = CephRole::block;
  std::string ceph_fsid;  // of the cluster; databases without LVM do not say it
  std::string osd_uuid;
  std::string osd_id;  // its number; databases without LVM do not say it
  std::string volume;  // "ceph-1f2e/osd-block-3c4d" in LVM, else empty
  bool encrypted = false;
  std::uint64_t offset = 0;  // on the disk, bytes
  std::uint64_t bytes = 0;
  bool operator==(const CephPart&) const = default;
};

struct Content {
  std::vector<Signature> signatures;
  std::vector<CephPart> ceph;
  bool blank() const { return signatures.empty(); }
  // Where something else stands too, a label may be what is left of an OSD whose disk was used again.
  bool only_ceph() const { return !ceph.empty() && signatures.size() == 1; }
  bool only_between_ends() const { return signatures.size() == 1 && signatures[0].kind == kind::between_ends; }
  bool operator==(const Content&) const = default;
};

// True if nothing is on the disk now that was not on it before.
bool nothing_new(const Content& before, const Content& now);
// The same of a disk in the midst of a wipe: what was there may be seen in part, as something unknown.
bool remains(const Content& before, const Content& now);

// "Ceph OSD 3 of cluster 4f1e...", "database of a Ceph OSD"
std::string describe(const CephPart& part);

// "ext4 "photos" (uuid 1234-...), data of an unknown kind"; "nothing" of a blank disk. What comes from the disk is made
// printable.
std::string to_text(const Content& content);

std::string to_json(const Content& content);
Result<Content> parse_content(std::string_view json);

}  // namespace loam::diskmgr
