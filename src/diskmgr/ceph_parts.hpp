// What Ceph has on a disk, however ceph-volume put it there. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "diskmgr/bluestore.hpp"
#include "diskmgr/content.hpp"
#include "diskmgr/lvm.hpp"

namespace loam::diskmgr {

CephPart part_of(const BluestoreLabel& label);

// ceph-volume writes on each logical volume whose it is (ceph_volume/api/lvm.py). None: the volume is not of Ceph.
std::optional<CephPart> part_of(const LvmGroup& group, const LvmVolume& volume);

// Rook writes "ceph_fsid=" and the cluster's fsid in the header of LUKS2 as its subsystem, ceph-volume the OSD's uuid
// under the same name: what is not our fsid may still be of our cluster. None: it does not say so.
std::optional<CephPart> part_of_luks(std::string_view subsystem);

// What a label says beside what LVM says of the volume that it stands in: the label is nearer to the data. None: they
// are of two OSDs.
std::optional<CephPart> agreed(const CephPart& of_volume, const CephPart& of_label);

}  // namespace loam::diskmgr
