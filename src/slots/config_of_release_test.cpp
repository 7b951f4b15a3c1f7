#include "slots/config_of_release.hpp"

#include <gtest/gtest.h>

#include <array>
#include <format>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "slots/running_release.hpp"
#include "testing/temp_dir.hpp"

namespace loam::slots {
namespace {

constexpr std::array<std::string_view, 2> files = {"/loam/loam.yaml", "/loam/nics.json"};

class Follow : public ::testing::Test {
 protected:
  // Starts this release; what it said.
  std::string start(const std::string& version) {
    put(release_facts_path, std::format(R"({{"version": "{}", "kubernetes": "", "config_versions": [1]}})", version));
    const auto said = follow_release(root_ / "", files);
    EXPECT_TRUE(said) << said.error().text();
    return said && *said ? **said : "";
  }
  void put(std::string_view path, const std::string& text) {
    ASSERT_TRUE(write_file_atomic(root_ / std::string(path.substr(1)), text));
  }
  std::string text(std::string_view path) { return *read_file(root_ / std::string(path.substr(1))); }
  std::string config() { return text("/loam/loam.yaml") + text("/loam/nics.json"); }
  void configure(const std::string& word) {
    put("/loam/loam.yaml", word);
    put("/loam/nics.json", "+" + word);
  }

  testing::TempDir root_;
};

TEST_F(Follow, ANewerReleaseGoesOnWithWhatIsThere) {
  configure("a");
  EXPECT_EQ(start("1.0.0"), "");
  EXPECT_EQ(start("2.0.0"), "");
  EXPECT_EQ(config(), "a+a");
}

TEST_F(Follow, AnOlderOneGetsItsOwnBackAndTheNewerOneToo) {
  configure("old");
  start("1.0.0");
  start("2.0.0");
  configure("new");
  EXPECT_EQ(start("1.0.0"), "Loam 1.0.0 runs again, with the loam.yaml that it last used");
  EXPECT_EQ(config(), "old+old");
  EXPECT_EQ(start("2.0.0"), "Loam 2.0.0 runs again, with the loam.yaml that it last used");
  EXPECT_EQ(config(), "new+new") << "nobody changed what the older one was given";
  start("1.0.0");
  configure("changed");
  EXPECT_EQ(start("2.0.0"), "");
  EXPECT_EQ(config(), "changed+changed") << "what a person wanted last";
}

TEST_F(Follow, AReleaseThatNeverRanGoesOnWithWhatIsThere) {
  configure("old");
  start("1.0.0");
  start("2.0.0");
  start("1.0.0");
  start("3.0.0");
  EXPECT_EQ(config(), "old+old");
}

TEST_F(Follow, WhatWasCutOffIsDoneAgain) {
  configure("old");
  start("1.0.0");
  start("2.0.0");
  configure("new");
  start("1.0.0");
  put("/loam/last-release", "1.0.0 goes-back\n");
  put("/loam/loam.yaml", "new");
  EXPECT_NE(start("1.0.0"), "");
  EXPECT_EQ(config(), "old+old");
  EXPECT_EQ(text("/loam/last-release"), "1.0.0\n");
}

}  // namespace
}  // namespace loam::slots
