#include "slots/boot_disk.hpp"

#include <algorithm>
#include <cctype>
#include <format>
#include <set>

#include "base/text.hpp"
#include "slots/release.hpp"

namespace loam::slots {

namespace {

bool same_uuid(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

class Finder {
 public:
  Finder(const std::vector<FoundPartition>& partitions, const Digest& root_hash)
      : partitions_(&partitions),
        root_uuid_(data_partition_uuid(root_hash)),
        verity_uuid_(verity_partition_uuid(root_hash)) {}

  Result<std::string> disk(const std::optional<std::string>& loader_uuid) const {
    if (!loader_uuid) return only_disk_with_release();
    std::set<std::string> disks;
    for (const auto& partition : *partitions_)
      if (same_uuid(partition.uuid, *loader_uuid)) disks.insert(partition.disk);
    if (disks.size() == 1) return *disks.begin();
    if (disks.size() > 1) {
      const std::vector<std::string> names(disks.begin(), disks.end());
      return fail(std::format("{} are copies of one disk: both have the partition {} that the firmware booted from",
                              join(names, " and "), *loader_uuid),
                  "remove all but one of them");
    }
    return fail(std::format("the partition {} that the firmware booted from has not appeared", *loader_uuid),
                "the driver of its controller may be missing");
  }

  Result<BootDisk> on(const std::string& disk) const {
    BootDisk found{.disk = disk, .esp = {}, .root = {}, .verity = {}, .loam = {}, .state = {}};
    for (const auto& partition : *partitions_) {
      if (partition.disk != disk) continue;
      if (same_uuid(partition.uuid, root_uuid_)) found.root = partition.node;
      if (same_uuid(partition.uuid, verity_uuid_)) found.verity = partition.node;
      if (same_uuid(partition.type, kind(Part::esp).type)) found.esp = partition.node;
      if (same_uuid(partition.type, kind(Part::loam).type)) found.loam = partition.node;
      if (same_uuid(partition.type, kind(Part::state).type)) found.state = partition.node;
    }
    if (found.root.empty() || found.verity.empty())
      return fail(std::format("{} has no {} partition {} of the release that was booted", disk,
                              found.root.empty() ? "root" : "verity", found.root.empty() ? root_uuid_ : verity_uuid_),
                  "choose the other slot in the boot menu, or install again");
    return found;
  }

 private:
  Result<std::string> only_disk_with_release() const {
    std::set<std::string> disks;
    for (const auto& partition : *partitions_)
      if (same_uuid(partition.uuid, root_uuid_)) disks.insert(partition.disk);
    if (disks.size() == 1) return *disks.begin();
    if (disks.empty()) return fail(std::format("no disk has the root partition {}", root_uuid_));
    const std::vector<std::string> names(disks.begin(), disks.end());
    return fail(
        std::format("{} hold the same release, and the firmware does not say which it booted", join(names, " and ")),
        "remove all but one of them");
  }

  const std::vector<FoundPartition>* partitions_;
  std::string root_uuid_;
  std::string verity_uuid_;
};

}  // namespace

Result<BootDisk> find_boot_disk(const std::vector<FoundPartition>& partitions,
                                const std::optional<std::string>& loader_uuid, const Digest& root_hash) {
  const Finder finder(partitions, root_hash);
  LOAM_TRY(const auto disk, finder.disk(loader_uuid));
  return finder.on(disk);
}

}  // namespace loam::slots
