#include "slots/manifest.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace loam::slots {
namespace {

using nlohmann::json;

Manifest good() {
  const std::string digest(64, 'a');
  Manifest manifest{.version = "1.2.0",
                    .machine = "x86_64",
                    .kernel = "6.12.1",
                    .kubernetes = "1.34.2",
                    .config_versions = {1, 2},
                    .upgrade_from = "1.0.0",
                    .floor = "1.1.0",
                    .revoked = {std::string(64, 'b')},
                    .root_hash = parse_digest(std::string(64, 'c')).value(),
                    .salt = {std::byte{1}, std::byte{2}},
                    .files = {},
                    .uki = {{".linux", 0, 60, digest}, {".initrd", 60, 40, digest}},
                    .uki_in_root = {{60, 4096, 10}, {80, 0, 20}}};
  for (const auto* const suffix : {"boot.efi", "root", "verity"}) manifest.files[suffix] = {8192, digest};
  manifest.files["efi"] = {100, digest};
  return manifest;
}

std::string refusal(const json& changed) {
  const auto parsed = parse_manifest(changed.dump());
  return parsed ? "good" : parsed.error().message();
}

TEST(Manifest, IsReadAsItWasWritten) {
  const auto parsed = parse_manifest(to_json(good()));
  ASSERT_TRUE(parsed) << parsed.error().text();
  EXPECT_EQ(*parsed, good());
  EXPECT_EQ(to_json(*parsed), to_json(good()));
}

TEST(Manifest, MembersOfLaterReleasesAreLeftOut) {
  auto later = json::parse(to_json(good()));
  later["flavour"] = "sweet";
  EXPECT_EQ(*parse_manifest(later.dump()), good());
}

TEST(Manifest, EveryMemberMustBeThere) {
  const auto whole = json::parse(to_json(good()));
  for (const auto& [name, value] : whole.items()) {
    if (name == "uki_in_root") continue;  // see below
    auto without = whole;
    without.erase(name);
    EXPECT_NE(refusal(without), "good") << name;
    without[name] = nullptr;
    if (!value.is_array()) {
      EXPECT_NE(refusal(without), "good") << name;
    }
  }
}

TEST(Manifest, RefusesWhatIsNotOne) {
  for (const auto* const bad : {"", "[]", R"({"format":2})", R"({"format":8.8e64})", R"({"format":-1})",
                                R"({"format":1,"version":"../x"})", R"({"format":1,"version":"1"})"})
    EXPECT_FALSE(parse_manifest(bad)) << bad;
  EXPECT_EQ(parse_manifest(std::string(max_manifest_bytes + 1, ' ')).error().message(),
            "manifest: 1048577 bytes, at most 1048576 are read");
}

TEST(Manifest, WhatTheUkiHasOfTheRootMayBeMissing) {
  auto older = json::parse(to_json(good()));
  older.erase("uki_in_root");
  const auto parsed = parse_manifest(older.dump());
  ASSERT_TRUE(parsed) << parsed.error().text();
  EXPECT_TRUE(parsed->uki_in_root.empty());
}

TEST(Manifest, ValuesThatCannotBe) {
  const auto whole = json::parse(to_json(good()));
  const auto with = [&](const char* pointer, json value) {
    auto changed = whole;
    changed[json::json_pointer(pointer)] = std::move(value);
    return refusal(changed);
  };
  EXPECT_EQ(with("/version", "../1"), "manifest: version \"../1\" is no version");
  EXPECT_EQ(with("/floor", "v1"), "manifest: floor \"v1\" is no version");
  EXPECT_EQ(with("/files/root/size", 4097), "manifest: a root of 4097 bytes; it must be whole blocks of 4096");
  EXPECT_EQ(with("/files/root/size", 0), "manifest: a root of 0 bytes; it must be whole blocks of 4096");
  EXPECT_EQ(with("/uki/0/bytes", 61), "manifest: the sections of the UKI are not its size");
  EXPECT_EQ(with("/uki/0/bytes", 0), "manifest: the sections of the UKI are not its size");
  EXPECT_EQ(with("/uki/0/bytes", 18446744073709551615ULL), "manifest: the sections of the UKI are not its size");
  const std::string disorder = "manifest: what the UKI has of the root is not in order, or not there";
  EXPECT_EQ(with("/uki_in_root/0/0", 75), disorder);
  EXPECT_EQ(with("/uki_in_root/0/2", 0), disorder);
  EXPECT_EQ(with("/uki_in_root/1/2", 21), disorder);
  EXPECT_EQ(with("/uki_in_root/0/1", 18446744073709551615ULL), disorder);
  EXPECT_EQ(with("/uki_in_root/0", json::array({1, 2})).substr(0, 10), "manifest: ");
  EXPECT_EQ(with("/verity/block_size", 512), "manifest: blocks of 512 bytes, expected 4096");
  EXPECT_NE(with("/verity/root_hash", "ab"), "good");
  EXPECT_NE(with("/files/efi/sha256", std::string(64, 'x')), "good");
  EXPECT_NE(with("/revoked/0", "ab"), "good");
  EXPECT_EQ(with("/kubernetes", ""), "good");
}

}  // namespace
}  // namespace loam::slots
