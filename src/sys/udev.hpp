// Block devices as udev knows them, and word of their coming and going.
#pragma once

#include <libudev.h>

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "sys/udev_record.hpp"

namespace loam::sys {

class BlockDevice {
 public:
  std::string name() const;  // sda1
  std::string node() const;  // /dev/sda1
  const std::string& syspath() const { return syspath_; }
  bool is_partition() const { return property("DEVTYPE") == "partition"; }
  // udev's rules have run for it.
  bool is_initialized() const { return record_.initialized; }
  // Device node of the whole disk that a partition lies on; its own for a whole disk.
  std::string disk_node() const;
  // Property of udev's database, attribute in sysfs; empty if absent, blanks at the ends removed.
  std::string property(std::string_view name) const;
  std::string attribute(const char* name) const;
  // Of a property that udev keeps with "\x20" for a blank and for all that is not plain: the text itself.
  std::string encoded_property(std::string_view name) const;
  // Its folder in sysfs is opened anew for the next attribute: for those who keep many of them.
  void let_go() { folder_.reset(); }

 private:
  friend std::optional<BlockDevice> block_device(const std::string& name);
  explicit BlockDevice(std::string syspath) : syspath_(std::move(syspath)) {}
  void read_record();
  void ask_libudev();

  std::string syspath_;
  UdevRecord record_;
  mutable UniqueFd folder_;  // in sysfs
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
  struct Unref {
    void operator()(udev_monitor* handle) const { udev_monitor_unref(handle); }
  };
  using Handle = std::unique_ptr<udev_monitor, Unref>;
  explicit BlockMonitor(Handle monitor) : monitor_(std::move(monitor)) {}
  Handle monitor_;
};

}  // namespace loam::sys
