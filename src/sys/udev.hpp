// Block devices as udev knows them, and word of their coming and going.
#pragma once

#include <libudev.h>

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/unique_fd.hpp"

namespace loam::sys {

struct UdevFree {
  void operator()(udev* handle) const { udev_unref(handle); }
  void operator()(udev_device* handle) const { udev_device_unref(handle); }
  void operator()(udev_monitor* handle) const { udev_monitor_unref(handle); }
};
template <typename T>
using UdevHandle = std::unique_ptr<T, UdevFree>;

class BlockDevice {
 public:
  explicit BlockDevice(UdevHandle<udev_device> device) : device_(std::move(device)) {}

  std::string name() const;  // sda1
  std::string node() const;  // /dev/sda1
  std::string syspath() const;
  bool is_partition() const;
  // udev's rules have run for it.
  bool is_initialized() const;
  // Device node of the whole disk that a partition lies on; its own for a whole disk.
  std::string disk_node() const;
  // Property of udev's database, attribute in sysfs; empty if absent, blanks at the ends removed.
  std::string property(const char* name) const;
  std::string attribute(const char* name) const;

 private:
  UdevHandle<udev_device> device_;
  mutable UniqueFd folder_;  // in sysfs, opened for the first attribute
};

// Kernel names of all block devices, in order.
Result<std::vector<std::string>> block_names();

// All block devices for which udev's rules have run, by name.
Result<std::vector<BlockDevice>> block_devices();

// The device with this kernel name ("sda"), if it is there; udev may not have seen it yet.
std::optional<BlockDevice> block_device(const std::string& name);

// What a monitor saw.
struct BlockEvents {
  std::set<std::string> disks;  // nodes of whole disks that came, went or changed, or whose partitions did
  bool lost = false;            // there were more than the kernel kept: look at all
};

// Tells that some block device changed. Made before a first look, so that no change falls between.
class BlockMonitor {
 public:
  static Result<BlockMonitor> start();
  // For an event loop: readable when there is something to drain.
  int fd() const;
  BlockEvents drain();
  // True when something changed, false when the time is over.
  bool wait(std::chrono::milliseconds limit);

 private:
  explicit BlockMonitor(UdevHandle<udev_monitor> monitor) : monitor_(std::move(monitor)) {}
  UdevHandle<udev_monitor> monitor_;
};

}  // namespace loam::sys
