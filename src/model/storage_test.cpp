// What a storage section must not say, and the words in which it is refused.
#include <gtest/gtest.h>

#include <string>

#include "model/parse.hpp"
#include "model/storage_rules.hpp"

namespace loam::model {
namespace {

std::string problem(const std::string& storage) {
  const auto report = parse_config_report("version: 1\nstorage: " + storage + "\n", "f");
  if (report.problems.size() != 1) return ::testing::PrintToString(report.problems);
  const auto& found = report.problems.front();
  return found.substr(found.find(": ") + 2);
}

TEST(BadStorage, IsRefusedInTheseWords) {
  EXPECT_EQ(problem("{data: [{min_size: 2T, max_size: 1T}]}"),
            "storage.data[0].max_size: is below min_size: no disk matches");
  EXPECT_EQ(problem("{data: [{}], exclude: [{}]}"),
            "storage.exclude: {} excludes every disk; name a fact, or leave data out");
  EXPECT_EQ(problem("{data: [{}], metadata: {select: [{bus: nvme}]}}"),
            "storage.metadata: says neither osds_per_device nor size_per_osd: a shared device needs an explicit share");
  EXPECT_EQ(problem("{data: [{}], metadata: {select: [{}], osds_per_device: 2}}"),
            "storage.metadata.select: {} would take every disk for databases; name a fact");
  EXPECT_EQ(problem("{data: [{}], metadata: {select: [], osds_per_device: 2}}"),
            "storage.metadata.select: is empty: name the devices, or leave metadata out");
  EXPECT_EQ(problem("{data: [{}], metadata: {select: [{bus: nvme}], size_per_osd: 0}}"),
            "storage.metadata.size_per_osd: a database has 1G to 1024T; Ceph wants 1 to 4 % of the OSD");
  EXPECT_EQ(problem("{metadata: {select: [{bus: nvme}], osds_per_device: 2}}"),
            "storage.metadata: is of no use without storage.data");
  EXPECT_EQ(problem("{hosts: [{hosts: [], data: [{}]}]}"), "storage.hosts[0].hosts: is empty: it names no host");
  EXPECT_EQ(problem("{hosts: [{hosts: [a], data: [{min_size: 2T, max_size: 1T}]}]}"),
            "storage.hosts[0].data[0].max_size: is below min_size: no disk matches");
}

TEST(StorageRules, TheFirstEntryThatNamesTheHost) {
  const auto config = parse_config(
      "version: 1\nstorage: {max_osds: 9, hosts: [{hosts: [\"node1*\"], max_osds: 1}, {hosts: [\"node*\"], max_osds: "
      "2}]}\n",
      "f");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(rules_for(config->storage, "node12").max_osds, 1);
  EXPECT_EQ(rules_for(config->storage, "node2").max_osds, 2);
  EXPECT_EQ(rules_for(config->storage, "other").max_osds, 9);
}

}  // namespace
}  // namespace loam::model
