// Which disk this node booted from. Pure: two disks can hold the same release, so UUIDs of slots alone decide nothing.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "slots/layout.hpp"
#include "slots/verity.hpp"

namespace loam::slots {

// A partition as udev tells it.
struct FoundPartition {
  std::string node;  // /dev/nvme0n1p2
  std::string disk;  // /dev/nvme0n1
  std::string uuid;
  std::string type;
};

struct BootDisk {
  std::string disk;
  std::string esp;
  std::string root;
  std::string verity;
  std::string loam;   // empty if there is none
  std::string state;  // empty if there is none
};

// loader_uuid: partition that the firmware loaded the UKI from (LoaderDevicePartUUID), if known. An error says what is
// still missing: devices may yet appear.
Result<BootDisk> find_boot_disk(const std::vector<FoundPartition>& partitions,
                                const std::optional<std::string>& loader_uuid, const Digest& root_hash);

}  // namespace loam::slots
