#include "sys/udev.hpp"

#include <poll.h>

#include <cerrno>
#include <string_view>

#include "base/text.hpp"

namespace loam::sys {

namespace {

std::string text_of(const char* value) { return value == nullptr ? "" : std::string(trim(value)); }

}  // namespace

std::string BlockDevice::name() const { return text_of(udev_device_get_sysname(device_.get())); }
std::string BlockDevice::node() const { return text_of(udev_device_get_devnode(device_.get())); }
std::string BlockDevice::syspath() const { return text_of(udev_device_get_syspath(device_.get())); }
bool BlockDevice::is_partition() const { return property("DEVTYPE") == "partition"; }

std::string BlockDevice::disk_node() const {
  if (!is_partition()) return node();
  auto* const parent = udev_device_get_parent(device_.get());  // owned by the child
  return parent == nullptr ? "" : text_of(udev_device_get_devnode(parent));
}

std::string BlockDevice::property(const char* name) const {
  return text_of(udev_device_get_property_value(device_.get(), name));
}

std::string BlockDevice::attribute(const char* name) const {
  return text_of(udev_device_get_sysattr_value(device_.get(), name));
}

Result<std::vector<BlockDevice>> block_devices() {
  const UdevHandle<udev> context(udev_new());
  const UdevHandle<udev_enumerate> list(context ? udev_enumerate_new(context.get()) : nullptr);
  if (!list) return fail_errno("udev");
  udev_enumerate_add_match_subsystem(list.get(), "block");
  udev_enumerate_add_match_is_initialized(list.get());
  if (const int problem = udev_enumerate_scan_devices(list.get()); problem < 0) return fail_errno("udev", -problem);
  std::vector<BlockDevice> devices;
  for (auto* entry = udev_enumerate_get_list_entry(list.get()); entry != nullptr;
       entry = udev_list_entry_get_next(entry)) {
    UdevHandle<udev_device> device(udev_device_new_from_syspath(context.get(), udev_list_entry_get_name(entry)));
    if (device && udev_device_get_devnode(device.get()) != nullptr) devices.emplace_back(std::move(device));
  }
  return devices;
}

std::optional<BlockDevice> block_device(const std::string& name) {
  const UdevHandle<udev> context(udev_new());
  UdevHandle<udev_device> device(context ? udev_device_new_from_subsystem_sysname(context.get(), "block", name.c_str())
                                         : nullptr);
  if (!device || udev_device_get_devnode(device.get()) == nullptr) return std::nullopt;
  return BlockDevice(std::move(device));
}

Result<BlockMonitor> BlockMonitor::start() {
  const UdevHandle<udev> context(udev_new());
  UdevHandle<udev_monitor> monitor(context ? udev_monitor_new_from_netlink(context.get(), "udev") : nullptr);
  if (!monitor) return fail_errno("udev monitor");
  udev_monitor_filter_add_match_subsystem_devtype(monitor.get(), "block", nullptr);
  if (const int problem = udev_monitor_enable_receiving(monitor.get()); problem < 0)
    return fail_errno("udev monitor", -problem);
  return BlockMonitor(std::move(monitor));
}

int BlockMonitor::fd() const { return udev_monitor_get_fd(monitor_.get()); }

BlockEvents BlockMonitor::drain() {
  BlockEvents events;
  while (true) {
    errno = 0;
    UdevHandle<udev_device> device(udev_monitor_receive_device(monitor_.get()));
    if (!device) {
      if (errno != ENOBUFS) return events;
      events.lost = true;
      continue;
    }
    if (auto node = BlockDevice(std::move(device)).disk_node(); !node.empty()) events.disks.insert(std::move(node));
  }
}

bool BlockMonitor::wait(std::chrono::milliseconds limit) {
  pollfd watched = {fd(), POLLIN, 0};
  if (::poll(&watched, 1, static_cast<int>(limit.count())) <= 0) return false;
  drain();
  return true;
}

}  // namespace loam::sys
