#include "diskmgr/observe.hpp"

#include <blkid/blkid.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <format>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <string_view>

#include "base/file.hpp"
#include "base/text.hpp"
#include "diskmgr/bluestore.hpp"
#include "sys/udev.hpp"

namespace loam::diskmgr {

namespace {

struct ProbeFree {
  void operator()(blkid_struct_probe* handle) const { blkid_free_probe(handle); }
};
using Probe = std::unique_ptr<blkid_struct_probe, ProbeFree>;

std::uint64_t number(const std::string& text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string first_of(std::initializer_list<std::string> candidates) {
  for (const auto& text : candidates)
    if (!text.empty()) return text;
  return {};
}

model::Bus bus_of(const sys::BlockDevice& device) {
  const auto path = device.syspath();
  if (path.contains("/nvme")) return model::Bus::nvme;
  if (path.contains("/usb")) return model::Bus::usb;
  if (device.property("ID_BUS") == "ata") return model::Bus::sata;
  if (device.name().starts_with("vd")) return model::Bus::virtio;
  if (path.contains("/end_device-") || !device.property("ID_SAS_PATH").empty()) return model::Bus::sas;
  return model::Bus::scsi;
}

// Partitions, loop devices, optical drives, mapped and memory devices are no disks.
bool is_disk(const sys::BlockDevice& device) {
  constexpr std::array<std::string_view, 6> prefixes = {"sd", "nvme", "vd", "xvd", "mmcblk", "pmem"};
  return !device.is_partition() &&
         std::ranges::any_of(prefixes, [&](auto prefix) { return device.name().starts_with(prefix); });
}

Facts read_facts(const sys::BlockDevice& device) {
  Facts disk;
  disk.node = device.node();
  disk.vendor = device.attribute("device/vendor");
  disk.model = first_of({device.attribute("device/model"), device.property("ID_MODEL")});
  disk.serial = first_of({device.property("ID_SCSI_SERIAL"), device.property("ID_SERIAL_SHORT"),
                          device.attribute("device/serial"), device.attribute("serial")});
  disk.firmware = first_of({device.attribute("device/firmware_rev"), device.attribute("device/rev")});
  disk.wwn = first_of({device.property("ID_WWN_WITH_EXTENSION"), device.property("ID_WWN"), device.attribute("wwid")});
  disk.by_path = device.property("ID_PATH");
  disk.bus = bus_of(device);
  disk.bytes = number(device.attribute("size")) * 512;  // sysfs counts in 512 bytes whatever the sectors are
  disk.sector_size = static_cast<std::uint32_t>(number(device.attribute("queue/logical_block_size")));
  disk.rotational = device.attribute("queue/rotational") == "1";
  disk.removable = device.attribute("removable") == "1";
  disk.read_only = device.attribute("ro") == "1";
  disk.unread = "its content is being read";
  return disk;
}

std::string value(blkid_probe probe, const char* name) {
  const char* text = nullptr;
  std::size_t length = 0;
  if (blkid_probe_lookup_value(probe, name, &text, &length) != 0) return {};
  return std::string(std::string_view(text));
}

// None for what is named otherwise: a partition table's own probe, or the label of an OSD, which says more.
std::optional<Signature> signature(blkid_probe probe) {
  if (const auto table = value(probe, "PTTYPE"); !table.empty())
    return Signature{table + " partition table", "", value(probe, "PTUUID"), number(value(probe, "PTMAGIC_OFFSET"))};
  const auto type = value(probe, "TYPE");
  if (type.empty() || type == "ceph_bluestore") return std::nullopt;
  return Signature{type, value(probe, "LABEL"), value(probe, "UUID"), number(value(probe, "SBMAGIC_OFFSET"))};
}

Result<Probe> open_probe(const std::string& path, int fd) {
  Probe probe(blkid_new_probe());
  if (!probe || blkid_probe_set_device(probe.get(), fd, 0, 0) != 0) return fail_errno(path);
  blkid_probe_enable_superblocks(probe.get(), 1);
  blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_TYPE | BLKID_SUBLKS_LABEL | BLKID_SUBLKS_UUID |
                                                     BLKID_SUBLKS_MAGIC | BLKID_SUBLKS_BADCSUM);
  blkid_probe_enable_partitions(probe.get(), 1);
  blkid_probe_set_partitions_flags(probe.get(), BLKID_PARTS_MAGIC | BLKID_PARTS_FORCE_GPT);
  return probe;
}

// A little at a time: many disks are looked at side by side.
Result<bool> stretch_used(int fd, std::uint64_t offset, std::uint64_t bytes) {
  std::vector<std::byte> buffer(std::min<std::uint64_t>(bytes, 128U << 10U));
  for (std::uint64_t at = 0; at < bytes; at += buffer.size()) {
    const auto piece = std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), bytes - at));
    LOAM_CHECK(read_exact(fd, piece, offset + at));
    if (std::ranges::any_of(piece, [](std::byte byte) { return byte != std::byte{0}; })) return true;
  }
  return false;
}

Result<std::uint64_t> size_of(int fd) {
  const auto end = ::lseek(fd, 0, SEEK_END);
  if (end < 0) return fail_errno("lseek");
  return static_cast<std::uint64_t>(end);
}

// True if a stretch at either end is not all zeros: data of a kind that blkid does not know.
Result<bool> ends_used(int fd) {
  constexpr std::uint64_t stretch = 4U << 20U;
  LOAM_TRY(const auto bytes, size_of(fd));
  const auto length = std::min(stretch, bytes);
  for (const auto offset : {std::uint64_t{0}, bytes - length}) {
    LOAM_TRY(const auto used, stretch_used(fd, offset, length));
    if (used) return true;
  }
  return false;
}

// The first label that is whole, else that there is one.
Result<void> find_osd(int fd, Content& content) {
  LOAM_TRY(const auto bytes, size_of(fd));
  std::vector<std::byte> block(bluestore_label_bytes);
  std::optional<Signature> damaged;
  for (const auto offset : bluestore_label_offsets) {
    if (offset + block.size() > bytes) break;
    LOAM_CHECK(read_exact(fd, block, offset));
    if (!is_bluestore_label(block)) continue;
    auto label = parse_bluestore_label(block);
    if (label) {
      content.signatures.push_back({describe(*label), "", label->osd_uuid, offset});
      content.osd = *std::move(label);
      return {};
    }
    if (!damaged) damaged = {"a Ceph OSD with a damaged label", "", "", offset};
  }
  if (damaged) content.signatures.push_back(*std::move(damaged));
  return {};
}

Error unreadable(Error error, const std::string& path) {
  return std::move(error).context(path).remedy("look for read errors in the kernel log; the disk may be dying");
}

}  // namespace

Result<Content> probe_content(const std::string& path) {
  LOAM_TRY(const auto fd, open_file(path, O_RDONLY | O_NONBLOCK));
  LOAM_TRY(const auto probe, open_probe(path, fd.get()));
  Content content;
  int outcome = 0;
  while ((outcome = blkid_do_probe(probe.get())) == 0)
    if (auto found = signature(probe.get());
        found && std::ranges::find(content.signatures, *found) == content.signatures.end())
      content.signatures.push_back(*std::move(found));
  if (outcome < 0) return std::unexpected(unreadable(Error("cannot be read"), path));
  if (auto looked = find_osd(fd.get(), content); !looked)
    return std::unexpected(unreadable(std::move(looked).error(), path));
  if (!content.blank()) return content;
  auto used = ends_used(fd.get());
  if (!used) return std::unexpected(unreadable(std::move(used).error(), path));
  if (*used) content.signatures.push_back({"data of an unknown kind", "", "", 0});
  return content;
}

Result<std::vector<Facts>> enumerate() {
  LOAM_TRY(const auto devices, sys::block_devices());
  std::vector<Facts> facts;
  for (const auto& device : devices)
    if (is_disk(device)) facts.push_back(read_facts(device));
  assign_ids(facts);
  std::ranges::sort(facts, {}, &Facts::id);
  return facts;
}

}  // namespace loam::diskmgr
