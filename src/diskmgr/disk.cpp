#include "diskmgr/disk.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <format>
#include <map>
#include <set>

#include "base/text.hpp"
#include "model/describe.hpp"

namespace loam::diskmgr {

std::string_view class_name(Class value) {
  constexpr std::array<std::string_view, 8> names = {"os",      "osd",       "metadata", "blank",
                                                     "foreign", "removable", "unusable", "unread"};
  return names[static_cast<std::size_t>(value)];
}

namespace {

// Only what model::DiskId accepts, so that a printed id can be pasted into loam.yaml.
std::string id_text(std::string_view text) {
  std::string safe;
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

// Candidates for the identity, best first.
std::vector<std::string> chain(const Facts& disk) {
  std::vector<std::string> ids;
  if (!disk.wwn.empty()) ids.push_back("wwn-" + id_text(disk.wwn));
  if (!disk.serial.empty()) ids.push_back(std::format("serial-{}-{}", id_text(disk.model), id_text(disk.serial)));
  if (!disk.by_path.empty()) ids.push_back("path-" + id_text(disk.by_path));
  ids.push_back("node-" + id_text(disk.node));
  return ids;
}

}  // namespace

void assign_ids(std::vector<Facts>& disks) {
  std::map<std::string, int> claims;
  for (const auto& disk : disks)
    for (const auto& id : chain(disk)) ++claims[id];
  for (auto& disk : disks) {
    const auto ids = chain(disk);
    const auto unique = std::ranges::find_if(ids, [&](const auto& id) { return claims[id] == 1; });
    disk.id = unique == ids.end() ? ids.back() : *unique;
  }
}

namespace {

// Disks that a BMC or card reader shows, whatever they say about being removable.
bool virtual_media(const Facts& disk) {
  constexpr std::array<std::string_view, 6> known = {"Linux Virtual*", "AMI Virtual*", "*iDRAC*Virtual*",
                                                     "Cisco*Virtual*", "*SD/MMC*",     "*Virtual*HDisk*"};
  const auto name = std::format("{} {}", trim(disk.vendor), trim(disk.model));
  return disk.bus == model::Bus::usb && std::ranges::any_of(known, [&](auto glob) { return glob_match(glob, name); });
}

// The cluster that is ours, and which of its OSDs are on this node.
struct Ours {
  std::string ceph_fsid;
  std::set<std::string> osds;  // by uuid
};

// Where something else stands too, the label may be what is left of an OSD whose disk was used again.
bool is_osd(const Content& content) { return content.osd && content.signatures.size() == 1; }

void classify_osd(const BluestoreLabel& label, const Ours& ours, Disk& disk) {
  disk.reason = "holds " + to_text(disk.facts.content);
  if (ours.osds.contains(label.osd_uuid)) {
    disk.cls = label.ceph_fsid.empty() ? Class::metadata : Class::osd;
    disk.reason += disk.cls == Class::osd ? "; ours" : "; that OSD is ours";
  } else if (!label.ceph_fsid.empty()) {
    disk.reason += ours.ceph_fsid.empty() ? "; cluster.ceph_fsid does not say that it is ours"
                                          : std::format("; ours is {}", ours.ceph_fsid);
  }
}

Disk classify(Facts facts, const Ours& ours) {
  Disk disk{.facts = std::move(facts), .cls = Class::foreign, .reason = {}};
  if (disk.facts.os_disk) {
    disk.cls = Class::os;
    disk.reason = "this node booted from it";
  } else if (disk.facts.bytes == 0 || disk.facts.read_only) {
    disk.cls = Class::unusable;
    disk.reason = disk.facts.bytes == 0 ? "has no medium" : "is read-only";
  } else if (disk.facts.removable || virtual_media(disk.facts)) {
    disk.cls = Class::removable;
    disk.reason = virtual_media(disk.facts) ? "virtual medium of a management controller" : "removable medium";
  } else if (!disk.facts.unread.empty()) {
    disk.cls = Class::unread;
    disk.reason = disk.facts.unread;
  } else if (disk.facts.content.blank()) {
    disk.cls = Class::blank;
    disk.reason = "no data found";
  } else if (is_osd(disk.facts.content)) {
    classify_osd(*disk.facts.content.osd, ours, disk);
  } else {
    disk.reason = "holds " + to_text(disk.facts.content);
  }
  return disk;
}

}  // namespace

std::vector<Disk> classify(std::vector<Facts> disks, const std::string& ceph_fsid) {
  Ours ours{ceph_fsid, {}};
  for (const auto& facts : disks)
    if (is_osd(facts.content) && !ceph_fsid.empty() && facts.content.osd->ceph_fsid == ceph_fsid)
      ours.osds.insert(facts.content.osd->osd_uuid);
  std::vector<Disk> classed;
  classed.reserve(disks.size());
  for (auto& facts : disks) classed.push_back(classify(std::move(facts), ours));
  return classed;
}

bool matches(const model::DiskSelector& selector, const Facts& disk) {
  return (!selector.id || selector.id->str() == disk.id) &&
         (!selector.serial || selector.serial->str() == disk.serial) &&
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

std::string list(const std::vector<const Disk*>& disks) {
  std::string text;
  for (const auto* disk : disks) text += (text.empty() ? "" : "; ") + describe(disk->facts);
  return text.empty() ? "none" : text;
}

}  // namespace

Result<Disk> select_install_disk(const model::DiskSelector& selector, const std::vector<Disk>& disks) {
  std::vector<const Disk*> usable;
  std::vector<const Disk*> matching;
  for (const auto& disk : disks) {
    if (disk.cls == Class::removable || disk.cls == Class::unusable) continue;
    usable.push_back(&disk);
    if (matches(selector, disk.facts)) matching.push_back(&disk);
  }
  if (matching.size() == 1) return *matching.front();
  if (matching.empty())
    return fail(std::format("no disk matches install.disk; the disks of this machine: {}", list(usable)),
                "change install.disk to match exactly one");
  return fail(std::format("{} disks match install.disk: {}", matching.size(), list(matching)),
              "add serial, model or id to install.disk so that exactly one matches");
}

}  // namespace loam::diskmgr
