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

struct Free {
  void operator()(udev* handle) const { udev_unref(handle); }
  void operator()(udev_device* handle) const { udev_device_unref(handle); }
};
using Context = std::unique_ptr<udev, Free>;
using Device = std::unique_ptr<udev_device, Free>;

std::string text_of(const char* value) { return value == nullptr ? "" : std::string(trim(value)); }

// The node that a kernel's uevent names.
std::string node_of(const Properties& properties) {
  const auto found = properties.find("DEVNAME");
  if (found == properties.end()) return {};
  return found->second.starts_with('/') ? found->second : "/dev/" + found->second;
}

}  // namespace

std::string BlockDevice::name() const { return syspath_.substr(syspath_.rfind('/') + 1); }
std::string BlockDevice::node() const { return node_of(record_.properties); }

std::string BlockDevice::disk_node() const {
  if (!is_partition()) return node();
  Properties parent;
  add_uevent(parent, attribute("../uevent"));
  return node_of(parent);
}

std::string BlockDevice::property(std::string_view name) const {
  const auto found = record_.properties.find(name);
  return found == record_.properties.end() ? "" : std::string(trim(found->second));
}

std::string BlockDevice::encoded_property(std::string_view name) const {
  return std::string(trim(without_hex_escapes(property(name))));
}

namespace {

// Of sysfs and /run/udev: none is larger than this. A record cut off here would lack its version, and not be read.
std::string read_at(int folder, const char* name) {
  const UniqueFd file(::openat(folder, name, O_RDONLY | O_CLOEXEC));
  std::array<char, 65536> text;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read()
  const auto bytes = file ? ::read(file.get(), text.data(), text.size()) : -1;
  return bytes < 0 ? "" : std::string(trim(std::string_view(text.data(), static_cast<std::size_t>(bytes))));
}

}  // namespace

std::string BlockDevice::attribute(const char* name) const {
  if (!folder_) folder_ = UniqueFd(::open(syspath_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  return read_at(folder_.get(), name);
}

// By libudev it is three times as long: that resolves each step of the path anew.
void BlockDevice::read_record() {
  add_uevent(record_.properties, attribute("uevent"));
  const auto path = std::format("/run/udev/data/b{}:{}", property("MAJOR"), property("MINOR"));
  const auto text = read_at(AT_FDCWD, path.c_str());
  if (!text.empty() && !add_record(record_, text)) ask_libudev();
}

void BlockDevice::ask_libudev() {
  const Context context(udev_new());
  const Device device(context ? udev_device_new_from_syspath(context.get(), syspath_.c_str()) : nullptr);
  if (!device) return;
  record_.initialized = udev_device_get_is_initialized(device.get()) > 0;
  udev_list_entry* entry = nullptr;
  udev_list_entry_foreach(entry, udev_device_get_properties_list_entry(device.get()))
      record_.properties.insert_or_assign(udev_list_entry_get_name(entry), text_of(udev_list_entry_get_value(entry)));
}

namespace {

constexpr std::string_view block_class = "/sys/class/block";

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
  for (const auto& name : names) {
    auto device = block_device(name);
    if (!device || !device->is_initialized()) continue;
    device->let_go();
    devices.push_back(*std::move(device));
  }
  return devices;
}

// The class has links to "../../devices/...".
std::optional<BlockDevice> block_device(const std::string& name) {
  std::array<char, PATH_MAX> target{};
  const auto size = ::readlink(std::format("{}/{}", block_class, name).c_str(), target.data(), target.size());
  const std::string_view path(target.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  if (!path.starts_with("../../")) return std::nullopt;
  BlockDevice device(std::format("/sys/{}", path.substr(6)));
  device.read_record();
  if (device.node().empty()) return std::nullopt;
  return device;
}

Result<BlockMonitor> BlockMonitor::start() {
  const Context context(udev_new());
  Handle monitor(context ? udev_monitor_new_from_netlink(context.get(), "udev") : nullptr);
  if (!monitor) return fail_errno("udev monitor");
  udev_monitor_filter_add_match_subsystem_devtype(monitor.get(), "block", nullptr);
  if (const int problem = udev_monitor_enable_receiving(monitor.get()); problem < 0)
    return fail_errno("udev monitor", -problem);
  return BlockMonitor(std::move(monitor));
}

int BlockMonitor::fd() const { return udev_monitor_get_fd(monitor_.get()); }

namespace {

// As BlockDevice::disk_node, of a device that may be gone.
std::string disk_of(udev_device* device) {
  auto* const disk = text_of(udev_device_get_devtype(device)) == "partition" ? udev_device_get_parent(device) : device;
  return disk == nullptr ? "" : text_of(udev_device_get_devnode(disk));  // a parent is owned by its child
}

}  // namespace

BlockEvents BlockMonitor::drain() {
  BlockEvents events;
  while (true) {
    errno = 0;
    const Device device(udev_monitor_receive_device(monitor_.get()));
    if (!device) {
      if (errno != ENOBUFS) return events;
      events.lost = true;
      continue;
    }
    if (auto node = disk_of(device.get()); !node.empty()) events.disks.insert(std::move(node));
  }
}

bool BlockMonitor::wait(std::chrono::milliseconds limit) {
  pollfd watched = {fd(), POLLIN, 0};
  if (::poll(&watched, 1, static_cast<int>(limit.count())) <= 0) return false;
  drain();
  return true;
}

}  // namespace loam::sys
