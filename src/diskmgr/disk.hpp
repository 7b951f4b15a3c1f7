// A disk as Loam knows it: by what it is, never by its kernel name.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "diskmgr/content.hpp"
#include "diskmgr/health.hpp"
#include "model/config.hpp"

namespace loam::diskmgr {

// unread: what is on it is not known yet, so it is nothing that may be written to.
// osd, metadata: of the Ceph cluster that loam.yaml names; of any other they are foreign.
// busy: something on this node uses it. unusable: too small, read-only, cannot be read, or its health fails.
enum class Class : std::uint8_t { os, osd, metadata, blank, foreign, busy, removable, unusable, unread };
std::string_view class_name(Class value);

// Facts::unread of a disk that has had no answer yet, and has not let the time for one pass twice.
inline constexpr std::string_view being_read = "its content is being read";

// ceph-volume refuses anything smaller.
inline constexpr std::uint64_t smallest_osd = 5'000'000'000;

struct Facts {
  std::string node;                // device node of this boot, for opening only
  std::string id;                  // identity: the first of the names
  std::vector<std::string> names;  // names that no other disk has, best first: WWN, serial and model, by-id, path
  std::string clash;               // why a better name is not its identity
  std::string vendor;              // of SCSI and USB disks
  std::string model;
  std::string serial;
  std::string firmware;
  std::string wwn;
  std::string by_path;
  std::vector<std::string> links;  // of udev, best first: "/dev/disk/by-id/wwn-0x5000..."
  std::string link;                // the best that no other disk has; what Ceph is told
  std::string slot;                // "3 in enclosure 5000...", "PCI slot 2"
  std::vector<std::string> paths;  // nodes of the same disk, this one first
  std::uint64_t diskseq = 0;       // number that the kernel gives each disk that appears, once; 0: not known
  model::Bus bus = model::Bus::scsi;
  std::uint64_t bytes = 0;
  std::uint32_t sector_size = 512;      // logical, bytes
  std::uint32_t physical_sector = 512;  // bytes
  bool rotational = false;
  bool removable = false;
  bool read_only = false;
  bool os_disk = false;  // this node booted from it
  Content content;
  std::string unread;      // why the content is not known; empty: it is
  std::string read_error;  // what reading it ended with
  std::string used_by;     // "mounted on /mnt", "held by dm-0"
  Health health;
};

struct Disk {
  Facts facts;
  Class cls = Class::foreign;
  std::string reason;  // why it is of that class
};

// The cluster that is ours, and which of its OSDs are on this node.
struct Ours {
  std::string ceph_fsid;                         // empty: none is
  std::map<std::string, int, std::less<>> osds;  // by uuid: on how many disks
};

// Counts the OSDs on a disk among ours, or no longer. True if there are any.
bool count_ours(Ours& ours, const Content& content, int change);

// The class that a disk has, with the reason.
Disk classify(Facts facts, const Ours& ours);

// LVM groups of OSDs, or their databases, on a disk that is ours.
std::set<std::string> groups_of_ours(const Disk& disk);

// Why a disk that is blank, or would be when it is erased, still cannot become an OSD; empty: it can.
std::string unfit(const Facts& disk);

// What a disk may be called, best first; other disks may claim the same.
std::vector<std::string> claimed_names(const Facts& disk);

bool matches(const model::DiskSelector& selector, const Facts& disk);

// The one disk that a selector means; an error lists the candidates with why they do not match.
Result<Disk> select_install_disk(const model::DiskSelector& selector, const std::vector<Disk>& disks);

// "QEMU HARDDISK, 4.0 GiB, wwn-0x5000...": for messages.
std::string describe(const Facts& disk);

}  // namespace loam::diskmgr
