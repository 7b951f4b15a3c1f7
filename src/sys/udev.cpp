#include "sys/udev.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <filesystem>
#include <format>
#include <string_view>

#include "base/text.hpp"

namespace loam::sys {

namespace fs = std::filesystem;

namespace {

std::string text_of(const char* value) { return value == nullptr ? "" : std::string(trim(value)); }

}  // namespace

std::string BlockDevice::name() const { return text_of(udev_device_get_sysname(device_.get())); }
std::string BlockDevice::node() const { return text_of(udev_device_get_devnode(device_.get())); }
std::string BlockDevice::syspath() const { return text_of(udev_device_get_syspath(device_.get())); }
bool BlockDevice::is_partition() const { return property("DEVTYPE") == "partition"; }
bool BlockDevice::is_initialized() const { return udev_device_get_is_initialized(device_.get()) > 0; }

std::string BlockDevice::disk_node() const {
  if (!is_partition()) return node();
  auto* const parent = udev_device_get_parent(device_.get());  // owned by the child
  return parent == nullptr ? "" : text_of(udev_device_get_devnode(parent));
}

std::string BlockDevice::property(const char* name) const {
  return text_of(udev_device_get_property_value(device_.get(), name));
}

// Not by libudev, which walks the whole path anew for each, twice.
std::string BlockDevice::attribute(const char* name) const {
  if (!folder_) folder_ = UniqueFd(::open(udev_device_get_syspath(device_.get()), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const UniqueFd file(::openat(folder_.get(), name, O_RDONLY | O_CLOEXEC));
  std::array<char, 4096> text{};  // sysfs has no attribute larger than a page
  const auto bytes = file ? ::read(file.get(), text.data(), text.size()) : -1;
  return bytes < 0 ? "" : std::string(trim(std::string_view(text.data(), static_cast<std::size_t>(bytes))));
}

namespace {

constexpr std::string_view block_class = "/sys/class/block";

std::optional<BlockDevice> device_at(udev* context, const std::string& syspath) {
  UdevHandle<udev_device> device(udev_device_new_from_syspath(context, syspath.c_str()));
  if (!device || udev_device_get_devnode(device.get()) == nullptr) return std::nullopt;
  return BlockDevice(std::move(device));
}

}  // namespace

// Not by libudev's enumeration: that opens every ancestor of every device, which is most of its time.
Result<std::vector<std::string>> block_names() {
  std::error_code problem;
  std::vector<std::string> names;
  for (auto entry = fs::directory_iterator(block_class, problem); entry != fs::directory_iterator();
       entry.increment(problem))
    names.push_back(entry->path().filename());
  if (problem) return fail(std::format("{}: {}", block_class, problem.message()));
  std::ranges::sort(names);
  return names;
}

Result<std::vector<BlockDevice>> block_devices() {
  LOAM_TRY(const auto names, block_names());
  std::vector<BlockDevice> devices;
  for (const auto& name : names)
    if (auto device = block_device(name); device && device->is_initialized()) devices.push_back(*std::move(device));
  return devices;
}

// The class has links to "../../devices/...": libudev follows them too, in more steps.
std::optional<BlockDevice> block_device(const std::string& name) {
  const UdevHandle<udev> context(udev_new());
  std::array<char, PATH_MAX> target{};
  const auto size = ::readlink(std::format("{}/{}", block_class, name).c_str(), target.data(), target.size());
  const std::string_view path(target.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  if (!context || !path.starts_with("../../")) return std::nullopt;
  return device_at(context.get(), std::format("/sys/{}", path.substr(6)));
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
