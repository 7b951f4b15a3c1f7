#include "cluster/machine.hpp"

#include <gtest/gtest.h>

#include <format>
#include <nlohmann/json.hpp>

#include "cluster/example_machine.hpp"

namespace loam::cluster {
namespace {

using nlohmann::json;

TEST(Machine, SaysWhatANodeIs) {
  const auto made = machine_with_status("node-1", example_status());
  EXPECT_EQ(made["metadata"], (json{{"name", "node-1"}})) << "labels and the like are not the node's";
  EXPECT_FALSE(made.contains("spec"));
  EXPECT_EQ(made["status"]["release"], "0.1.0");
  EXPECT_EQ(made["status"]["diskSummary"], "os 1, osd 24");
  EXPECT_EQ(made["status"]["bondSummary"], "bond0 1/2");
  EXPECT_EQ(made["status"]["bonds"][0]["activeMembers"], json::array({"eth0"}));
  EXPECT_EQ(made["status"]["conditions"][0]["lastTransitionTime"], "2027-01-15T08:00:00Z");
}

TEST(Machine, FitsIntoItsLimits) {
  auto long_one = example_status();
  long_one.reasons.assign(500, std::string(10'000, 'x'));
  const auto made = machine_with_status("node-1", long_one);
  EXPECT_EQ(made["status"]["reasons"].size(), 64U);
  EXPECT_LE(made["status"]["reasons"][0].get<std::string>().size(), 2048U);
}

// A structural schema has a type everywhere; one without is refused only when the API sees it.
void expect_types(const json& schema, const std::string& path) {
  EXPECT_TRUE(schema.contains("type")) << path;
  if (schema.contains("items")) expect_types(schema["items"], path + "[]");
  if (!schema.contains("properties")) return;
  for (const auto& [name, inner] : schema["properties"].items()) expect_types(inner, std::format("{}.{}", path, name));
}

TEST(Machine, HasASchemaForAllThatIsWritten) {
  const auto definition = machine_definition();
  const auto& version = definition["spec"]["versions"][0];
  const auto& schema = version["schema"]["openAPIV3Schema"];
  expect_types(schema, "");
  const auto made = machine_with_status("node-1", example_status());
  for (const auto& [name, value] : made["status"].items())
    EXPECT_TRUE(schema["properties"]["status"]["properties"].contains(name)) << name;
  std::vector<std::string> columns;
  for (const auto& column : version["additionalPrinterColumns"]) columns.push_back(column["name"]);
  EXPECT_EQ(columns, (std::vector<std::string>{"Release", "Slot", "State", "Disks", "Bond", "Age"}));
}

TEST(Machine, MayBeWrittenOnlyOnceItIsGuarded) {
  std::vector<std::string> kinds;
  for (const auto& one : machine_manifests()) kinds.push_back(one["kind"]);
  EXPECT_EQ(kinds, (std::vector<std::string>{"CustomResourceDefinition", "ValidatingAdmissionPolicy",
                                             "ValidatingAdmissionPolicyBinding", "ClusterRole", "ClusterRoleBinding"}));
}

}  // namespace
}  // namespace loam::cluster
