#include "diskmgr/observe.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/parallel.hpp"
#include "base/text.hpp"
#include "diskmgr/slot.hpp"

namespace loam::diskmgr {

namespace {

// Of udev's properties, else of the attributes in sysfs: these cost three questions to the kernel each. An ATA disk's
// model is whole in udev only: the kernel has 16 characters of it, as a SCSI disk would say.
std::string name_of(const sys::BlockDevice& device, const char* property, const char* attribute) {
  auto text = device.encoded_property(property);
  return text.empty() ? device.attribute(attribute) : text;
}

std::string first_of(const sys::BlockDevice& device, std::initializer_list<const char*> properties,
                     std::initializer_list<const char*> attributes) {
  for (const auto* const name : properties)
    if (auto text = device.property(name); !text.empty()) return text;
  for (const auto* const name : attributes)
    if (auto text = device.attribute(name); !text.empty()) return text;
  return {};
}

model::Bus bus_of(const sys::BlockDevice& device) {
  const auto& path = device.syspath();
  if (path.contains("/nvme")) return model::Bus::nvme;
  if (path.contains("/usb")) return model::Bus::usb;
  if (device.property("ID_BUS") == "ata") return model::Bus::sata;
  if (device.name().starts_with("vd")) return model::Bus::virtio;
  if (path.contains("/end_device-") || !device.property("ID_SAS_PATH").empty()) return model::Bus::sas;
  return model::Bus::scsi;
}

bool is_disk(const sys::BlockDevice& device) { return !device.is_partition() && is_disk_name(device.name()); }

// Those that name the device, not what is on it; the WWN first, for it moves with the disk.
std::vector<std::string> stable_links(const sys::BlockDevice& device) {
  constexpr std::array<std::string_view, 3> better = {"/dev/disk/by-id/wwn-", "/dev/disk/by-id/nvme-eui.",
                                                      "/dev/disk/by-id/"};
  constexpr std::array<std::string_view, 3> of_content = {"/dev/disk/by-id/lvm-", "/dev/disk/by-id/dm-",
                                                          "/dev/disk/by-id/md-"};
  const auto rank = [&](std::string_view link) {
    return std::ranges::find_if(better, [&](auto prefix) { return link.starts_with(prefix); }) - better.begin();
  };
  std::vector<std::string_view> links;
  const auto all = device.property("DEVLINKS");
  for (const auto word : split(all, ' '))
    if ((word.starts_with("/dev/disk/by-id/") || word.starts_with("/dev/disk/by-path/")) &&
        std::ranges::none_of(of_content, [&](auto prefix) { return word.starts_with(prefix); }))
      links.push_back(word);
  std::ranges::sort(links, {}, [&](std::string_view link) { return std::pair(rank(link), link); });
  return {links.begin(), links.end()};
}

Facts read_facts(const sys::BlockDevice& device) {
  Facts disk;
  disk.node = device.node();
  disk.vendor = name_of(device, "ID_VENDOR_ENC", "device/vendor");
  disk.model = name_of(device, "ID_MODEL_ENC", "device/model");
  // This one has underscores for blanks.
  if (disk.model.empty()) disk.model = device.property("ID_MODEL");
  disk.serial = first_of(device, {"ID_SCSI_SERIAL", "ID_SERIAL_SHORT"}, {"device/serial", "serial"});
  disk.firmware = first_of(device, {"ID_REVISION"}, {"device/rev", "device/firmware_rev"});
  disk.wwn = first_of(device, {"ID_WWN_WITH_EXTENSION", "ID_WWN"}, {"wwid"});
  disk.by_path = device.property("ID_PATH");
  disk.links = stable_links(device);
  disk.slot = slot_of(disk.node);
  disk.bus = bus_of(device);
  disk.bytes = leading_number(device.attribute("size")) * 512;  // sysfs counts in 512 bytes whatever the sectors are
  disk.sector_size = static_cast<std::uint32_t>(leading_number(device.attribute("queue/logical_block_size")));
  disk.physical_sector = static_cast<std::uint32_t>(leading_number(device.attribute("queue/physical_block_size")));
  disk.rotational = device.attribute("queue/rotational") == "1";
  disk.removable = device.attribute("removable") == "1";
  disk.read_only = device.attribute("ro") == "1";
  disk.unread = std::string(being_read);
  disk.diskseq = leading_number(device.property("DISKSEQ"));
  return disk;
}

}  // namespace

bool is_disk_name(std::string_view name) {
  constexpr std::array<std::string_view, 6> prefixes = {"sd", "nvme", "vd", "xvd", "mmcblk", "pmem"};
  return std::ranges::any_of(prefixes, [&](auto prefix) { return name.starts_with(prefix); });
}

// The kernel is asked thirty things about each disk and none is waited for: a rack's JBODs take as many times less as
// there are threads.
Result<std::vector<Facts>> enumerate() {
  constexpr std::size_t worth_a_thread = 32;
  LOAM_TRY(auto names, sys::block_names());
  std::erase_if(names, [](const std::string& name) { return !is_disk_name(name); });
  std::vector<std::optional<Facts>> seen(names.size());
  parallel_for(names.size(), worth_a_thread, [&](std::size_t i) {
    if (const auto device = sys::block_device(names[i]); device && device->is_initialized()) seen[i] = observe(*device);
  });
  std::vector<Facts> facts;
  facts.reserve(seen.size());
  for (auto& one : seen)
    if (one) facts.push_back(*std::move(one));
  return facts;
}

std::optional<Facts> observe(const sys::BlockDevice& device) {
  if (!is_disk(device)) return std::nullopt;
  return read_facts(device);
}

}  // namespace loam::diskmgr
