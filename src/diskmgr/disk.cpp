#include "diskmgr/disk.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <format>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "model/describe.hpp"

namespace loam::diskmgr {

std::string_view class_name(Class value) {
  constexpr std::array<std::string_view, 9> names = {"os",   "osd",       "metadata", "blank", "foreign",
                                                     "busy", "removable", "unusable", "unread"};
  return names[static_cast<std::size_t>(value)];
}

namespace {

// Only what model::DiskId accepts, so that a printed id can be pasted into loam.yaml.
std::string id_text(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  for (const char c : trim(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || std::string_view("_.:+=@-").contains(c)) {
      safe += c;
    } else if (!safe.ends_with('_')) {
      safe += '_';
    }
  }
  return safe;
}

}  // namespace

std::vector<std::string> claimed_names(const Facts& disk) {
  std::vector<std::string> names;
  if (!disk.wwn.empty()) names.push_back("wwn-" + id_text(disk.wwn));
  if (!disk.serial.empty()) names.push_back(std::format("serial-{}-{}", id_text(disk.model), id_text(disk.serial)));
  for (const auto& link : disk.links)
    if (constexpr std::string_view by_id = "/dev/disk/by-id/"; link.starts_with(by_id))
      names.push_back("id-" + id_text(std::string_view(link).substr(by_id.size())));
  if (!disk.by_path.empty()) names.push_back("path-" + id_text(disk.by_path));
  return names;
}

namespace {

// Disks that a BMC or card reader shows, whatever they say about being removable.
bool virtual_media(const Facts& disk) {
  constexpr std::array<std::string_view, 6> known = {"Linux Virtual*", "AMI Virtual*", "*iDRAC*Virtual*",
                                                     "Cisco*Virtual*", "*SD/MMC*",     "*Virtual*HDisk*"};
  const auto name = std::format("{} {}", trim(disk.vendor), trim(disk.model));
  return disk.bus == model::Bus::usb && std::ranges::any_of(known, [&](auto glob) { return glob_match(glob, name); });
}

// What is known of a disk before its content is.
std::optional<std::pair<Class, std::string>> class_of_device(const Facts& disk) {
  if (disk.os_disk) return {{Class::os, "this node booted from it"}};
  if (disk.bytes == 0) return {{Class::unusable, "has no medium"}};
  if (virtual_media(disk)) return {{Class::removable, "virtual medium of a management controller"}};
  if (disk.removable) return {{Class::removable, "removable medium"}};
  if (disk.read_only) return {{Class::unusable, "is read-only"}};
  if (disk.id.empty())
    return {{Class::unusable, "has neither WWN nor serial number nor path: it cannot be told from another"}};
  if (!disk.read_error.empty()) return {{Class::unusable, disk.read_error}};
  if (!disk.unread.empty()) return {{Class::unread, disk.unread}};
  return std::nullopt;
}

bool is_ours(const CephPart& part, const Ours& ours) {
  if (ours.ceph_fsid.empty()) return false;
  return part.ceph_fsid == ours.ceph_fsid || (part.ceph_fsid.empty() && ours.osds.contains(part.osd_uuid));
}

std::pair<Class, std::string> class_of_ceph(const Content& content, const Ours& ours) {
  const auto holds = "holds " + to_text(content);
  if (std::ranges::all_of(content.ceph, [&](const auto& part) { return is_ours(part, ours); })) {
    const bool data = std::ranges::contains(content.ceph, CephRole::block, &CephPart::role);
    return {data ? Class::osd : Class::metadata, holds + (data ? "; ours" : "; of our OSDs")};
  }
  if (ours.ceph_fsid.empty()) return {Class::foreign, holds + "; cluster.ceph_fsid does not say that it is ours"};
  return {Class::foreign, std::format("{}; our cluster is {}", holds, ours.ceph_fsid)};
}

std::pair<Class, std::string> class_of_content(const Facts& disk, const Ours& ours) {
  if (disk.content.only_ceph())
    if (auto ceph = class_of_ceph(disk.content, ours); ceph.first != Class::foreign || disk.used_by.empty())
      return ceph;
  if (!disk.used_by.empty()) return {Class::busy, disk.used_by + "; holds " + to_text(disk.content)};
  if (!disk.content.blank()) return {Class::foreign, "holds " + to_text(disk.content)};
  if (auto why = unfit(disk); !why.empty()) return {Class::unusable, "no data found, but " + why};
  return {Class::blank, "no data found"};
}

}  // namespace

std::set<std::string> groups_of_ours(const Disk& disk) {
  std::set<std::string> groups;
  if (disk.cls != Class::osd && disk.cls != Class::metadata) return groups;
  for (const auto& part : disk.facts.content.ceph)
    if (!part.volume.empty()) groups.insert(part.volume.substr(0, part.volume.find('/')));
  return groups;
}

std::string unfit(const Facts& disk) {
  if (disk.health.state == HealthState::failing) return "failing: " + disk.health.why;
  if (disk.bytes < smallest_osd) return std::format("too small for an OSD, which needs {}", format_bytes(smallest_osd));
  return {};
}

bool count_ours(Ours& ours, const Content& content, int change) {
  if (!content.only_ceph() || ours.ceph_fsid.empty()) return false;
  bool any = false;
  for (const auto& part : content.ceph) {
    if (part.role != CephRole::block || part.ceph_fsid != ours.ceph_fsid || part.osd_uuid.empty()) continue;
    any = true;
    auto& count = ours.osds[part.osd_uuid];
    count += change;
    if (count <= 0) ours.osds.erase(part.osd_uuid);
  }
  return any;
}

Disk classify(Facts facts, const Ours& ours) {
  auto known = class_of_device(facts);
  auto [cls, reason] = known ? *std::move(known) : class_of_content(facts, ours);
  if (!facts.clash.empty()) reason += "; " + facts.clash;
  return {.facts = std::move(facts), .cls = cls, .reason = std::move(reason)};
}

bool matches(const model::DiskSelector& selector, const Facts& disk) {
  return (!selector.id || std::ranges::contains(disk.names, selector.id->str())) &&
         (!selector.serial || selector.serial->str() == disk.serial) &&
         (!selector.vendor || glob_match(selector.vendor->str(), disk.vendor)) &&
         (!selector.slot || glob_match(selector.slot->str(), disk.slot)) &&
         (!selector.model || glob_match(selector.model->str(), disk.model)) &&
         (!selector.bus || *selector.bus == disk.bus) &&
         (!selector.rotational || *selector.rotational == disk.rotational) &&
         (!selector.min_size || disk.bytes >= selector.min_size->bytes) &&
         (!selector.max_size || disk.bytes <= selector.max_size->bytes);
}

std::string describe(const Facts& disk) {
  return std::format("{} ({}, {}, {}{})", disk.id, disk.model.empty() ? "unknown model" : printable(disk.model, 40),
                     format_bytes(disk.bytes), model::enum_name(disk.bus), disk.rotational ? ", rotational" : "");
}

namespace {

// What is too small for an OSD, or fails, is so for an installation in another measure, which the installer knows.
bool installable(const Facts& disk) { return disk.bytes > 0 && !disk.read_only && disk.read_error.empty(); }

std::string list(const std::vector<const Disk*>& disks) {
  std::vector<std::string> texts;
  texts.reserve(disks.size());
  for (const auto* disk : disks)
    texts.push_back(describe(disk->facts) + (installable(disk->facts) ? "" : ", unusable: " + disk->reason));
  return texts.empty() ? "none" : join(texts, "; ");
}

}  // namespace

Result<Disk> select_install_disk(const model::DiskSelector& selector, const std::vector<Disk>& disks) {
  std::vector<const Disk*> shown;
  std::vector<const Disk*> matching;
  for (const auto& disk : disks) {
    if (disk.cls == Class::removable) continue;
    shown.push_back(&disk);
    if (installable(disk.facts) && matches(selector, disk.facts)) matching.push_back(&disk);
  }
  if (matching.size() == 1) return *matching.front();
  if (matching.empty())
    return fail(std::format("no disk matches install.disk; the disks of this machine: {}", list(shown)),
                "change install.disk to match exactly one");
  return fail(std::format("{} disks match install.disk: {}", matching.size(), list(matching)),
              "add serial, model or id to install.disk so that exactly one matches");
}

}  // namespace loam::diskmgr
