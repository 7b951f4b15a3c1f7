#include <algorithm>
#include <format>
#include <string>

#include "model/validate.hpp"

namespace loam::model {

namespace {

void validate_sizes(const DiskSelector& selector, const std::string& path, Problems& problems) {
  if (selector.min_size && selector.max_size && selector.min_size->bytes > selector.max_size->bytes)
    problems.add(path + ".max_size", "is below min_size: no disk matches");
}

void validate_list(const std::vector<DiskSelector>& list, const std::string& path, Problems& problems) {
  for (std::size_t i = 0; i < list.size(); ++i) validate_sizes(list[i], std::format("{}[{}]", path, i), problems);
}

void validate_rules(const StorageRules& rules, const std::string& path, Problems& problems) {
  validate_list(rules.data, path + ".data", problems);
  validate_list(rules.exclude, path + ".exclude", problems);
  if (std::ranges::contains(rules.exclude, DiskSelector{}))
    problems.add(path + ".exclude", "{} excludes every disk; name a fact, or leave data out");
  if (!rules.metadata) return;
  const auto& metadata = *rules.metadata;
  const auto at = path + ".metadata";
  validate_list(metadata.select, at + ".select", problems);
  if (metadata.select.empty()) problems.add(at + ".select", "is empty: name the devices, or leave metadata out");
  if (std::ranges::contains(metadata.select, DiskSelector{}))
    problems.add(at + ".select", "{} would take every disk for databases; name a fact");
  if (!metadata.osds_per_device && !metadata.size_per_osd)
    problems.add(at, "says neither osds_per_device nor size_per_osd: a shared device needs an explicit share");
  constexpr std::uint64_t gibibyte = 1U << 30U;
  if (metadata.size_per_osd &&
      (metadata.size_per_osd->bytes < gibibyte || metadata.size_per_osd->bytes > (gibibyte << 20U)))
    problems.add(at + ".size_per_osd", "a database has 1G to 1024T; Ceph wants 1 to 4 % of the OSD");
  if (rules.data.empty()) problems.add(at, "is of no use without storage.data");
}

}  // namespace

void validate_storage(const Storage& storage, Problems& problems) {
  validate_rules(storage.rules, "storage", problems);
  for (std::size_t i = 0; i < storage.hosts.size(); ++i) {
    const auto path = std::format("storage.hosts[{}]", i);
    if (storage.hosts[i].hosts.empty()) problems.add(path + ".hosts", "is empty: it names no host");
    validate_rules(storage.hosts[i].rules, path, problems);
  }
}

}  // namespace loam::model
