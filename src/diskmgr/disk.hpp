// A disk as Loam knows it: by what it is, never by its kernel name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "diskmgr/content.hpp"
#include "model/config.hpp"

namespace loam::diskmgr {

// unread: what is on it is not known, so it is nothing that may be written to.
// osd, metadata: of the Ceph cluster that loam.yaml names; of any other they are foreign.
enum class Class : std::uint8_t { os, osd, metadata, blank, foreign, removable, unusable, unread };
std::string_view class_name(Class value);

struct Facts {
  std::string node;    // device node of this boot, for opening only
  std::string id;      // identity: WWN, else serial and model, else path
  std::string vendor;  // of SCSI and USB disks
  std::string model;
  std::string serial;
  std::string firmware;
  std::string wwn;
  std::string by_path;
  model::Bus bus = model::Bus::scsi;
  std::uint64_t bytes = 0;
  std::uint32_t sector_size = 512;  // logical, bytes
  bool rotational = false;
  bool removable = false;
  bool read_only = false;
  bool os_disk = false;  // this node booted from it
  Content content;
  std::string unread;  // why the content is not known; empty: it is
};

struct Disk {
  Facts facts;
  Class cls = Class::foreign;
  std::string reason;  // why it is of that class
};

// Gives every disk its identity. Two disks that claim the same one both fall along the chain, so that no id is
// ambiguous.
void assign_ids(std::vector<Facts>& disks);

// ceph_fsid: of the cluster whose OSDs are ours; empty: none are. A database is ours if its OSD is on another of these
// disks and is ours.
std::vector<Disk> classify(std::vector<Facts> disks, const std::string& ceph_fsid);

bool matches(const model::DiskSelector& selector, const Facts& disk);

// The one disk that a selector means; an error lists the candidates with why they do not match.
Result<Disk> select_install_disk(const model::DiskSelector& selector, const std::vector<Disk>& disks);

// "QEMU HARDDISK, 4.0 GiB, wwn-0x5000...": for messages.
std::string describe(const Facts& disk);

}  // namespace loam::diskmgr
