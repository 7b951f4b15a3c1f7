#include "slots/uki.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "slots/release_build.hpp"
#include "testing/temp_dir.hpp"

namespace loam::slots {
namespace {

void put(std::vector<std::byte>& to, std::size_t at, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) to[at + i] = static_cast<std::byte>(value >> (8 * i));
}

struct Section {
  std::string name;
  std::uint32_t offset;
  std::uint32_t bytes;
};

// The head of a PE image: DOS header, PE header at 0x80 without optional header, sections.
std::vector<std::byte> image(const std::vector<Section>& sections) {
  std::vector<std::byte> head(0x400);
  put(head, 0, 0x5a4d, 2);
  put(head, 0x3c, 0x80, 4);
  put(head, 0x80, 0x4550, 4);
  put(head, 0x84, 0x8664, 2);
  put(head, 0x86, sections.size(), 2);
  for (std::size_t i = 0; i < sections.size(); ++i) {
    const auto at = 0x98 + 40 * i;
    for (std::size_t c = 0; c < sections[i].name.size(); ++c)
      head[at + c] = static_cast<std::byte>(sections[i].name[c]);
    put(head, at + 16, sections[i].bytes, 4);
    put(head, at + 20, sections[i].offset, 4);
  }
  return head;
}

std::string error_of(const std::vector<std::byte>& head, std::uint64_t bytes) {
  const auto parts = parse_uki(head, bytes);
  return parts ? "good" : parts.error().message();
}

TEST(Uki, PartsAreTheWholeFileInOrder) {
  const auto parts = parse_uki(image({{".initrd", 0x2000, 0x1000}, {".linux", 0x400, 0x1000}, {".bss", 0, 0}}), 0x3100);
  ASSERT_TRUE(parts) << parts.error().text();
  const std::vector<UkiPart> expected = {{"headers", 0, 0x400},
                                         {".linux", 0x400, 0x1000},
                                         {"rest", 0x1400, 0xc00},
                                         {".initrd", 0x2000, 0x1000},
                                         {"rest", 0x3000, 0x100}};
  EXPECT_EQ(*parts, expected);
}

TEST(Uki, WhatIsNoImageIsRefused) {
  EXPECT_EQ(error_of({}, 0), "UKI: it is no PE image");
  EXPECT_EQ(error_of(std::vector<std::byte>(100), 100), "UKI: it is no PE image");
  auto other = image({{".linux", 0x400, 0x100}});
  put(other, 0x84, 0xaa64, 2);
  EXPECT_EQ(error_of(other, 0x500), "UKI: for machine 0xaa64, expected 0x8664");
  EXPECT_EQ(error_of(image({}), 0x400), "UKI: its PE header is damaged");
  EXPECT_EQ(error_of(image({{".linux", 0x400, 0x101}}), 0x500), "UKI: section .linux ends behind the file");
  EXPECT_EQ(error_of(image({{".linux", 0x400, 0x100}, {".x", 0x480, 4}}), 0x500), "UKI: section .x overlaps another");
  auto cut = image({{".linux", 0x400, 0x100}});
  cut.resize(0x9a);
  EXPECT_EQ(error_of(cut, 0x500), "UKI: its section table is cut off");
}

// What an initrd of frames looks like: the first as part of the section, the others at multiples of 4096 of it.
TEST(Uki, FramesAreTold) {
  testing::TempDir dir;
  auto file = image({{".initrd", 0x400, 0x3000}});
  file.resize(0x3400);
  for (const std::size_t at : {0x400, 0x1404, 0x2400}) put(file, at, 0xfd2fb528, 4);
  ASSERT_TRUE(write_file_atomic(dir / "uki", std::string(reinterpret_cast<const char*>(file.data()), file.size())));
  const auto sections = describe_uki(dir / "uki");
  ASSERT_TRUE(sections) << sections.error().text();
  std::vector<UkiPart> parts;
  for (const auto& section : *sections) parts.push_back({section.name, section.offset, section.bytes});
  const std::vector<UkiPart> expected = {
      {"headers", 0, 0x400}, {".initrd", 0x400, 0x2000}, {".initrd", 0x2400, 0x1000}};
  EXPECT_EQ(parts, expected) << "one that is not at such a place is part of another";
}

}  // namespace
}  // namespace loam::slots
