#include "diskmgr/ceph_parts.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace loam::diskmgr {

namespace {

CephRole role_of(std::string_view text) {
  return text.ends_with("db") ? CephRole::db : text.ends_with("wal") ? CephRole::wal : CephRole::block;
}

// The value of "name=value" among the words; empty if it is not there.
template <typename Words>
std::string value_of(const Words& words, std::string_view name) {
  for (const auto& item : words) {
    const std::string_view word = item;
    if (word.starts_with(name) && word.substr(name.size()).starts_with('='))
      return std::string(word.substr(name.size() + 1));
  }
  return {};
}

}  // namespace

CephPart part_of(const BluestoreLabel& label) {
  return {.role = role_of(label.description),
          .ceph_fsid = label.ceph_fsid,
          .osd_uuid = label.osd_uuid,
          .osd_id = label.whoami,
          .volume = {},
          .encrypted = false,
          .offset = 0,
          .bytes = label.bytes};
}

std::optional<CephPart> part_of(const LvmGroup& group, const LvmVolume& volume) {
  const auto osd_uuid = value_of(volume.tags, "ceph.osd_fsid");
  if (osd_uuid.empty()) return std::nullopt;
  return CephPart{.role = role_of(value_of(volume.tags, "ceph.type")),
                  .ceph_fsid = value_of(volume.tags, "ceph.cluster_fsid"),
                  .osd_uuid = osd_uuid,
                  .osd_id = value_of(volume.tags, "ceph.osd_id"),
                  .volume = group.name + "/" + volume.name,
                  .encrypted = value_of(volume.tags, "ceph.encrypted") == "1",
                  .offset = volume.start.value_or(0),
                  .bytes = volume.bytes};
}

std::optional<CephPart> part_of_luks(std::string_view subsystem) {
  const auto fsid = value_of(split(subsystem, ' '), "ceph_fsid");
  if (fsid.empty()) return std::nullopt;
  return CephPart{.role = CephRole::block,
                  .ceph_fsid = fsid,
                  .osd_uuid = {},
                  .osd_id = {},
                  .volume = {},
                  .encrypted = true,
                  .offset = 0,
                  .bytes = 0};
}

std::optional<CephPart> agreed(const CephPart& of_volume, const CephPart& of_label) {
  if (of_volume.osd_uuid != of_label.osd_uuid) return std::nullopt;
  auto part = of_volume;
  if (!of_label.ceph_fsid.empty()) part.ceph_fsid = of_label.ceph_fsid;
  if (!of_label.osd_id.empty()) part.osd_id = of_label.osd_id;
  return part;
}

}  // namespace loam::diskmgr
