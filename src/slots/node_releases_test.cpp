#include "slots/node_releases.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "slots/find_release.hpp"
#include "testing/temp_dir.hpp"

namespace loam::slots {
namespace {

TEST(TrustState, OnlyEverGrows) {
  Manifest release;
  release.floor = "1.4";
  release.revoked = {"key-1"};
  auto state = raised({}, release);
  EXPECT_EQ(state, (TrustState{"1.4", {"key-1"}}));
  release.floor = "1.3";
  release.revoked = {"key-2"};
  state = raised(state, release);
  EXPECT_EQ(state, (TrustState{"1.4", {"key-1", "key-2"}}));
  EXPECT_EQ(restricted(Trust{.authorities = {}, .revoked = {"key-0"}}, state).revoked,
            (std::set<std::string>{"key-0", "key-1", "key-2"}));
}

TEST(TrustState, IsKeptInAFileThatMayBeMissingButNotBroken) {
  const testing::TempDir dir;
  EXPECT_EQ(read_trust_state(dir / "none").value(), TrustState{});
  const TrustState state{"1.4", {"key"}};
  std::ofstream(dir / "state") << to_json(state);
  EXPECT_EQ(read_trust_state(dir / "state").value(), state);
  for (const auto* const text : {"", "{", "{}", R"({"floor":"none!","revoked":[]})", R"({"floor":"1","revoked":3})"}) {
    std::ofstream(dir / "bad") << text;
    EXPECT_FALSE(read_trust_state(dir / "bad")) << text;
  }
}

TEST(KeptReleases, ThoseOfOtherVersionsGo) {
  const testing::TempDir dir;
  for (const auto* const version : {"1.3", "1.4", "1.5"})
    ASSERT_TRUE(keep_release(dir.path(), version, "{}", "signature"));
  ASSERT_TRUE(forget_releases_but(dir.path(), {"1.4", "1.5"}));
  EXPECT_FALSE(std::filesystem::exists(dir / "loam-1.3.json"));
  EXPECT_FALSE(std::filesystem::exists(dir / "loam-1.3.json.sig"));
  EXPECT_TRUE(std::filesystem::exists(dir / "loam-1.5.json.sig"));
  EXPECT_TRUE(kept_releases(dir.path()).empty()) << "what cannot be read is none";
  EXPECT_TRUE(kept_releases(dir / "none").empty());
}

TEST(FindRelease, TheNewestIsNamedByAFile) {
  EXPECT_EQ(parse_latest("loam-1.2.3.json\n").value(), "loam-1.2.3.json");
  for (const auto* const text : {"", "loam-.json", "loam-1.json.sig", "../loam-1.json", "loam-1/../2.json", "<html>",
                                 "http://x/loam-1.json", "loam-1.json\nloam-2.json"})
    EXPECT_FALSE(parse_latest(text)) << text;
}

}  // namespace
}  // namespace loam::slots
