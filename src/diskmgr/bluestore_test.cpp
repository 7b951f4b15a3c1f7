#include "diskmgr/bluestore.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "diskmgr/ceph_parts.hpp"
#include "diskmgr/probe.hpp"
#include "testing/temp_dir.hpp"

namespace loam::diskmgr {
namespace {

std::string le(std::uint64_t value, std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xFF);
  return text;
}

std::string text(const std::string& value) { return le(value.size(), 4) + value; }

constexpr auto uuid = "8c2a1f7e-0d2b-4a7e-9a55-0123456789ab";
constexpr auto fsid = "4f1e2d3c-1111-4222-8333-444455556666";

// As Ceph writes it; the checksum is put in by hand, so that this is not our own code against itself.
std::string label_with(const std::string& meta, std::uint32_t checksum, const std::string& description = "main") {
  const auto body =
      std::string(16, '\x11') + le(4'000'000'000'000, 8) + le(1'700'000'000, 4) + le(0, 4) + text(description) + meta;
  auto label = std::string("bluestore block device\n") + uuid + "\n" + le(2, 1) + le(1, 1) + le(body.size(), 4) + body +
               le(checksum, 4);
  label.resize(bluestore_label_bytes);
  return label;
}

std::span<const std::byte> bytes(const std::string& label) { return std::as_bytes(std::span(label)); }

const std::string osd_meta =
    le(3, 4) + text("ceph_fsid") + text(fsid) + text("osd_key") + text("AQDsecret==") + text("whoami") + text("3");

constexpr std::uint32_t osd_checksum = 0x3565F1EF;

TEST(Bluestore, LabelOfAnOsd) {
  const auto text = label_with(osd_meta, osd_checksum);
  const auto label = parse_bluestore_label(bytes(text));
  ASSERT_TRUE(label) << label.error().text();
  EXPECT_EQ(*label, (BluestoreLabel{uuid, 4'000'000'000'000, "main", fsid, "3"}));
  EXPECT_EQ(describe(part_of(*label)), std::string("Ceph OSD 3 of cluster ") + fsid);
}

TEST(Bluestore, LabelOfADatabase) {
  const auto text = label_with(le(0, 4), 0xC124FDC4, "bluefs db");
  const auto label = parse_bluestore_label(bytes(text));
  ASSERT_TRUE(label) << label.error().text();
  EXPECT_EQ(describe(part_of(*label)), "database of a Ceph OSD");
  EXPECT_EQ(label->osd_uuid, uuid);
}

TEST(Bluestore, WhatIsDamagedIsSaidToBeALabelAllTheSame) {
  for (const std::size_t at : {30U, 70U, 120U, 200U}) {
    auto text = label_with(osd_meta, osd_checksum);
    text[at] = static_cast<char>(text[at] ^ 0x40);
    EXPECT_TRUE(is_bluestore_label(bytes(text)));
    EXPECT_FALSE(parse_bluestore_label(bytes(text))) << at;
  }
  const auto whole = label_with(osd_meta, osd_checksum);
  for (std::size_t size = 0; size < whole.find_last_not_of('\0') + 1; ++size)
    EXPECT_FALSE(parse_bluestore_label(bytes(whole).first(size))) << size;
  EXPECT_FALSE(is_bluestore_label(bytes(std::string(bluestore_label_bytes, '\0'))));
}

// At its start, and where only a copy further in is left.
TEST(Bluestore, IsFoundOnADisk) {
  const testing::TempDir dir;
  const auto path = (dir / "disk").string();
  const auto label = label_with(osd_meta, osd_checksum);
  for (const auto offset : {bluestore_label_offsets[0], bluestore_label_offsets[1]}) {
    std::ofstream(path).seekp(static_cast<std::streamoff>(offset)) << label;
    std::filesystem::resize_file(path, (std::uint64_t{1} << 30U) + (64U << 20U));
    const auto found = probe_content(path);
    ASSERT_TRUE(found && found->only_ceph());
    EXPECT_EQ(found->signatures, (std::vector<Signature>{{describe(found->ceph[0]), "", uuid, offset}}));
    EXPECT_EQ(parse_content(to_json(*found)), *found);
  }
  auto damaged = label;
  damaged[100] = 'x';
  std::ofstream(path) << damaged;
  EXPECT_EQ(to_text(*probe_content(path)), "a Ceph OSD with a damaged label");
}

}  // namespace
}  // namespace loam::diskmgr
