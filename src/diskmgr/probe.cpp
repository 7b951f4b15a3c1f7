#include "diskmgr/probe.hpp"

#include <blkid/blkid.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <format>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "base/zeros.hpp"
#include "diskmgr/ceph_parts.hpp"

namespace loam::diskmgr {

namespace {

constexpr int most_partitions = 128;

struct ProbeFree {
  void operator()(blkid_struct_probe* handle) const { blkid_free_probe(handle); }
};
using Probe = std::unique_ptr<blkid_struct_probe, ProbeFree>;

std::string value(blkid_probe probe, const char* name) {
  const char* text = nullptr;
  std::size_t length = 0;
  if (blkid_probe_lookup_value(probe, name, &text, &length) != 0) return {};
  return std::string(std::string_view(text));
}

Result<Probe> open_probe(int fd, const std::string& path, const Extent& range) {
  Probe probe(blkid_new_probe());
  if (!probe || blkid_probe_set_device(probe.get(), fd, static_cast<blkid_loff_t>(range.offset),
                                       static_cast<blkid_loff_t>(range.bytes)) != 0)
    return fail_errno(path);
  blkid_probe_enable_superblocks(probe.get(), 1);
  blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_TYPE | BLKID_SUBLKS_LABEL | BLKID_SUBLKS_UUID |
                                                     BLKID_SUBLKS_MAGIC | BLKID_SUBLKS_BADCSUM);
  return probe;
}

Error unreadable(Error error, const std::string& path) {
  return std::move(error).context(path).remedy("look for read errors in the kernel log; the disk may be dying");
}

// Reads of a disk go past the page cache as long as it lives: what is on the disk, and half the time. In whole sectors,
// to aligned memory. Of a file they stay as they are.
class Direct {
 public:
  explicit Direct(int fd) : fd_(fd), flags_(::fcntl(fd, F_GETFL)) {
    struct stat info{};
    const bool disk = ::fstat(fd, &info) == 0 && S_ISBLK(info.st_mode);
    if (disk && flags_ >= 0) ::fcntl(fd, F_SETFL, flags_ | O_DIRECT);
  }
  Direct(const Direct&) = delete;
  Direct& operator=(const Direct&) = delete;
  ~Direct() {
    if (flags_ >= 0) ::fcntl(fd_, F_SETFL, flags_);
  }

 private:
  int fd_;
  int flags_;
};

// Looks at one disk; what it finds is added to the content.
class Looker {
 public:
  Looker(int fd, std::string path, std::uint64_t bytes) : fd_(fd), path_(std::move(path)), bytes_(bytes) {}

  Result<Content> look() {
    LOAM_CHECK(whole_disk());
    for (const auto& [number, range] : partitions_) LOAM_CHECK(partition(number, range));
    LOAM_CHECK(raw_osd());
    for (const auto& signature : std::vector(content_.signatures))
      if (signature.kind == "LVM2_member" && signature.offset < lvm_label_area) lvm();
    if (!content_.blank()) return std::move(content_);
    LOAM_CHECK(unknown_data());
    return std::move(content_);
  }

 private:
  Result<void> whole_disk() {
    LOAM_TRY(const auto probe, open_probe(fd_, path_, {0, 0}));
    blkid_probe_enable_partitions(probe.get(), 1);
    blkid_probe_set_partitions_flags(probe.get(), BLKID_PARTS_MAGIC | BLKID_PARTS_FORCE_GPT);
    LOAM_CHECK(each_found(probe.get(), [&](std::optional<Signature> found) {
      if (found) add(*std::move(found));
      if (const auto luks = part_of_luks(value(probe.get(), "SUBSYSTEM"))) content_.ceph.push_back(*luks);
    }));
    return list_partitions();
  }

  template <typename Take>
  Result<void> each_found(blkid_probe probe, Take take) {
    int outcome = 0;
    while ((outcome = blkid_do_probe(probe)) == 0) take(signature(probe));
    if (outcome < 0) return std::unexpected(unreadable(Error("cannot be read"), path_));
    return {};
  }

  // None for what is named otherwise: a partition table's own probe, or the label of an OSD, which says more.
  static std::optional<Signature> signature(blkid_probe probe) {
    if (const auto table = value(probe, "PTTYPE"); !table.empty())
      return Signature{table + " partition table", "", value(probe, "PTUUID"),
                       leading_number(value(probe, "PTMAGIC_OFFSET"))};
    const auto type = value(probe, "TYPE");
    if (type.empty() || type == "ceph_bluestore") return std::nullopt;
    return Signature{type, value(probe, "LABEL"), value(probe, "UUID"), leading_number(value(probe, "SBMAGIC_OFFSET"))};
  }

  void add(Signature found) {
    if (!std::ranges::contains(content_.signatures, found)) content_.signatures.push_back(std::move(found));
  }

  // With a probe of its own: to ask for the list ends the walk through what else is there.
  Result<void> list_partitions() {
    LOAM_TRY(const auto probe, open_probe(fd_, path_, {0, 0}));
    blkid_probe_enable_superblocks(probe.get(), 0);
    blkid_probe_enable_partitions(probe.get(), 1);
    blkid_probe_set_partitions_flags(probe.get(), BLKID_PARTS_FORCE_GPT);
    auto* const list = blkid_probe_get_partitions(probe.get());  // owned by the probe
    const int count = list == nullptr ? 0 : std::min(blkid_partlist_numof_partitions(list), most_partitions);
    for (int i = 0; i < count; ++i) {
      auto* const one = blkid_partlist_get_partition(list, i);
      // Sizes are in 512 bytes whatever the sectors are; extended partitions only hold others.
      const Extent range{static_cast<std::uint64_t>(blkid_partition_get_start(one)) * 512,
                         static_cast<std::uint64_t>(blkid_partition_get_size(one)) * 512};
      const bool fits = range.bytes > 0 && range.offset < bytes_ && range.bytes <= bytes_ - range.offset;
      if (fits && blkid_partition_is_extended(one) == 0)
        partitions_.emplace_back(blkid_partition_get_partno(one), range);
    }
    return {};
  }

  Result<void> partition(int number, const Extent& range) {
    LOAM_TRY(const auto probe, open_probe(fd_, path_, range));
    return each_found(probe.get(), [&](std::optional<Signature> found) {
      if (!found) return;
      found->kind += std::format(" in partition {}", number);
      found->offset += range.offset;
      add(*std::move(found));
    });
  }

  // The first label that is whole, else that there is one.
  Result<void> raw_osd() {
    std::optional<Signature> damaged;
    for (const auto offset : bluestore_label_offsets) {
      if (offset + bluestore_label_bytes > bytes_) break;
      LOAM_TRY(const auto block, read(offset, bluestore_label_bytes));
      if (!is_bluestore_label(block)) continue;
      if (const auto label = parse_bluestore_label(block)) {
        auto part = part_of(*label);
        add({describe(part), "", part.osd_uuid, offset});
        content_.ceph.push_back(std::move(part));
        return {};
      }
      if (!damaged) damaged = {std::string(kind::damaged_osd), "", "", offset};
    }
    if (damaged) add(*std::move(damaged));
    return {};
  }

  // What cannot be understood stays a physical volume of an unknown group: nothing that is ours.
  void lvm() {
    const auto group = lvm_group();
    if (!group) {
      add({std::string(kind::damaged_lvm), printable(group.error().message(), 100), "", 0});
      return;
    }
    if (!*group) return;
    for (auto& found : content_.signatures)
      if (found.kind == "LVM2_member") found.label = (*group)->name;
    for (const auto& volume : (*group)->volumes) this->volume(**group, volume);
  }

  // None: a physical volume without a group.
  Result<std::optional<LvmGroup>> lvm_group() {
    LOAM_TRY(const auto start, read(0, std::min<std::uint64_t>(lvm_label_area, bytes_)));
    LOAM_TRY(const auto label, parse_lvm_label(start));
    std::optional<Error> problem;
    for (const auto& area : label.areas) {
      auto group = group_in(area, label.pv_uuid);
      if (group && *group) return group;
      if (!group && !problem) problem = std::move(group).error();
    }
    if (problem) return std::unexpected(*std::move(problem));
    return std::optional<LvmGroup>{};
  }

  Result<std::optional<LvmGroup>> group_in(const Extent& area, const std::string& pv_uuid) {
    LOAM_TRY(const auto header, read(area.offset, lvm_area_header_bytes));
    LOAM_TRY(const auto where, parse_lvm_area(header, area));
    std::vector<std::byte> text;
    for (const auto& piece : where.pieces) {
      LOAM_TRY(const auto bytes, read(piece.offset, piece.bytes));
      text.insert(text.end(), bytes.begin(), bytes.end());
    }
    if (text.empty()) return std::optional<LvmGroup>{};
    if (!is_whole(where, text)) return fail("its text is damaged: the checksum is another");
    LOAM_TRY(auto group, parse_lvm_text({reinterpret_cast<const char*>(text.data()), text.size()}, pv_uuid));
    return std::optional(std::move(group));
  }

  void volume(const LvmGroup& group, const LvmVolume& volume) {
    auto part = part_of(group, volume);
    if (part && !part->encrypted && volume.start) part = labelled(*part, *volume.start);
    if (part)
      content_.ceph.push_back(*std::move(part));
    else
      add({std::format("LVM volume {}/{}", group.name, volume.name), "", "", volume.start.value_or(0)});
  }

  // A volume that was just made has no label yet.
  std::optional<CephPart> labelled(const CephPart& part, std::uint64_t start) {
    const auto block = read(start, bluestore_label_bytes);
    if (!block || !is_bluestore_label(*block)) return part;
    const auto label = parse_bluestore_label(*block);
    return label ? agreed(part, part_of(*label)) : std::nullopt;
  }

  Result<std::vector<std::byte>> read(std::uint64_t offset, std::uint64_t bytes) {
    if (offset > bytes_ || bytes > bytes_ - offset)
      return fail(std::format("{}: something on it points beyond its end", path_));
    std::vector<std::byte> buffer(bytes);
    if (auto done = read_exact(fd_, buffer, offset); !done)
      return std::unexpected(unreadable(std::move(done).error(), path_));
    return buffer;
  }

  // A little at a time: many disks are looked at side by side.
  Result<bool> stretch_used(const Extent& stretch) {
    for (std::uint64_t at = 0; at < stretch.bytes; at += piece_.size()) {
      const auto some = piece_.first(std::min<std::uint64_t>(piece_.size(), stretch.bytes - at));
      if (auto done = read_exact(fd_, some, stretch.offset + at); !done)
        return std::unexpected(unreadable(std::move(done).error(), path_));
      if (!all_zero(some)) return true;
    }
    return false;
  }

  // Data of a kind that nobody knows: at the ends, or in samples of what lies between.
  Result<void> unknown_data() {
    constexpr std::uint64_t end_bytes = 4U << 20U;
    constexpr std::uint64_t samples = 64;
    constexpr std::uint64_t sample_bytes = 64U << 10U;
    const Direct direct(fd_);
    const auto end = std::min(end_bytes, bytes_);
    for (const Extent& stretch : {Extent{0, end}, Extent{bytes_ - end, end}}) {
      LOAM_TRY(const auto used, stretch_used(stretch));
      if (used) return found(kind::unknown, stretch);
    }
    for (std::uint64_t i = 1; bytes_ > 4 * end && i < samples; ++i) {
      const Extent sample{bytes_ / samples / 4096 * 4096 * i, sample_bytes};
      LOAM_TRY(const auto used, stretch_used(sample));
      if (used) return found(kind::between_ends, sample);
    }
    return {};
  }

  Result<void> found(std::string_view what, const Extent& where) {
    add({std::string(what), "", "", where.offset});
    return {};
  }

  int fd_;
  std::string path_;
  std::uint64_t bytes_;
  Content content_;
  std::vector<std::pair<int, Extent>> partitions_;
  AlignedBuffer piece_{128U << 10U};
};

}  // namespace

Result<Content> probe_content(int fd, const std::string& path) {
  const auto end = ::lseek(fd, 0, SEEK_END);
  if (end < 0) return fail_errno(path);
  return Looker(fd, path, static_cast<std::uint64_t>(end)).look();
}

Result<Content> probe_content(const std::string& path) {
  LOAM_TRY(const auto fd, open_file(path, O_RDONLY | O_NONBLOCK));
  return probe_content(fd.get(), path);
}

}  // namespace loam::diskmgr
