#include "slots/install_plan.hpp"

#include <gtest/gtest.h>

#include "slots/boot_disk.hpp"
#include "slots/boot_facts.hpp"

namespace loam::slots {
namespace {

constexpr std::uint64_t gib = 1ULL << 30U;

Manifest manifest() {
  Manifest result;
  result.version = "1.2.3";
  result.files = {{"root", {200U << 20U, ""}}, {"verity", {2U << 20U, ""}}, {"efi", {}}, {"boot.efi", {}}};
  return result;
}

InstallTarget blank() {
  return {.id = "wwn-1",
          .path = "/dev/x",
          .bytes = 100 * gib,
          .sector_size = 512,
          .blank = true,
          .content = "nothing",
          .wipe_consented = false,
          .gpt = {},
          .bootable = false,
          .config_sha256 = "of the file",
          .installed_sha256 = {}};
}

InstallTarget with_loam(std::string_view name) {
  auto target = blank();
  target.blank = false;
  target.content = "gpt partition table";
  const auto layout = *layout_for(target.bytes, 512);
  for (std::size_t i = 0; i < part_count; ++i)
    target.gpt.partitions.push_back({.number = static_cast<int>(i) + 1,
                                     .offset = layout.parts[i].offset,
                                     .bytes = layout.parts[i].bytes,
                                     .type = std::string(partition_kinds[i].type),
                                     .uuid = "",
                                     .name = std::string(partition_kinds[i].name)});
  target.gpt.partitions[static_cast<std::size_t>(Part::loam)].name = name;
  return target;
}

std::vector<std::string> kinds(const plan::Plan& plan) {
  std::vector<std::string> list;
  list.reserve(plan.actions.size());
  for (const auto& action : plan.actions) list.push_back(action.kind);
  return list;
}

TEST(InstallPlan, BlankDisk) {
  const auto plan = plan_install(blank(), manifest());
  ASSERT_TRUE(plan) << plan.error().text();
  EXPECT_EQ(plan::format(*plan),
            "install Loam 1.2.3 on wwn-1\n"
            "  1.   wipe            wwn-1: erase nothing of 100 GiB\n"
            "  2.   partition       wwn-1: ESP, two slots, loam, state (84.9 GiB)\n"
            "  3.   fill-slot       wwn-1: 200 MiB into slot a\n"
            "  4.   make-loam       wwn-1: loam partition with loam.yaml and the machine's identity\n"
            "  5.   make-state      wwn-1: state partition, ext4\n"
            "  6.   verify-slot     wwn-1: read slot a back, past the cache\n"
            "  7.   name-slot       wwn-1: partition UUIDs from the root hash\n"
            "  8.   install-boot    wwn-1: EFI system partition, FAT32, with systemd-boot and loam-1.2.3+3.efi\n"
            "  9.   mark-installed  wwn-1: remove the installing mark\n");
}

TEST(InstallPlan, ForeignDataNeedsConsent) {
  auto target = blank();
  target.blank = false;
  target.content = "ext4 \"photos\"";
  const auto refused = plan_install(target, manifest());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text(),
            "wwn-1 is not blank: it holds ext4 \"photos\"; it was not touched; choose another disk, or add "
            "\"wwn-1\" to install.wipe to erase it");
  target.wipe_consented = true;
  const auto plan = plan_install(target, manifest());
  ASSERT_TRUE(plan);
  EXPECT_TRUE(plan->actions.front().destroys);
}

TEST(InstallPlan, AnInstalledDiskIsLeftAlone) {
  const auto refused = plan_install(with_loam("loam"), manifest());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "wwn-1 holds a Loam installation already; it was not touched");
}

TEST(InstallPlan, ABegunInstallationGoesOnWithoutNewConsent) {
  const auto plan = plan_install(with_loam(installing_mark), manifest());
  ASSERT_TRUE(plan) << plan.error().text();
  EXPECT_EQ(kinds(*plan), (std::vector<std::string>{"fill-slot", "make-loam", "make-state", "verify-slot", "name-slot",
                                                    "install-boot", "mark-installed"}));
  EXPECT_TRUE(plan->actions.at(0).arguments.contains("skip-identical"));
}

TEST(InstallPlan, AMarkOverAnotherLayoutNeedsConsent) {
  auto target = with_loam(installing_mark);
  target.gpt.partitions.front().bytes += 1U << 20U;
  const auto refused = plan_install(target, manifest());
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().message().contains("is not blank"));
  target.wipe_consented = true;
  EXPECT_EQ(kinds(*plan_install(target, manifest())).front(), "wipe");
}

TEST(InstallPlan, ConsentIsForOnce) {
  auto target = with_loam("loam");
  target.wipe_consented = true;
  EXPECT_TRUE(plan_install(target, manifest()));
  target.installed_sha256 = target.config_sha256;
  const auto refused = plan_install(target, manifest());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text(),
            "wwn-1 holds a Loam installation already; it was not touched; boot from it; it was installed by this very "
            "loam.yaml, so a changed one is needed to erase it");
}

TEST(InstallPlan, ABootableOneIsInstalledForAnyOtherFile) {
  auto target = with_loam(installing_mark);
  target.bootable = true;
  target.installed_sha256 = "of another file";
  EXPECT_FALSE(plan_install(target, manifest()));
  target.wipe_consented = true;
  EXPECT_EQ(kinds(*plan_install(target, manifest())).front(), "wipe");
}

TEST(InstallPlan, ABootableOneOnlyLosesItsMark) {
  auto target = with_loam(installing_mark);
  target.bootable = true;
  target.installed_sha256 = target.config_sha256;
  EXPECT_EQ(kinds(*plan_install(target, manifest())), std::vector<std::string>{"mark-installed"});
}

TEST(InstallPlan, TooSmall) {
  auto target = blank();
  target.bytes = 10 * gib;
  EXPECT_EQ(plan_install(target, manifest()).error().text(),
            "wwn-1: 10.0 GiB are too small for the OS disk, 19.1 GiB are needed; choose a larger disk");
}

TEST(Layout, FitsDisksOfBothSectorSizes) {
  for (const std::uint32_t sector : {512U, 4096U})
    for (const std::uint64_t bytes : {min_disk_bytes(), 20 * gib + 512, std::uint64_t{4'000'000'000'000}}) {
      const auto layout = layout_for(bytes / sector * sector, sector);
      ASSERT_TRUE(layout);
      std::uint64_t end = 1U << 20U;
      for (const auto& part : layout->parts) {
        EXPECT_EQ(part.offset, end);
        EXPECT_EQ(part.offset % (1U << 20U), 0U);
        end = part.offset + part.bytes;
      }
      EXPECT_LE(end + 33ULL * 512, bytes) << "room for the backup table";
      EXPECT_GE(layout->at(Part::state).bytes, min_state_bytes - (1U << 20U));
    }
  EXPECT_FALSE(layout_for(min_disk_bytes() - 1, 512));
  EXPECT_FALSE(layout_for(100 * gib, 520));
}

TEST(Sfdisk, ReadsSectorsOfTheDisk) {
  const auto gpt = parse_sfdisk_json(R"({"partitiontable":{"label":"gpt","sectorsize":4096,"partitions":[
      {"node":"/dev/nvme0n1p6","start":10,"size":2,"type":"6C6F616D-0001-4A5E-9B3D-5F0C2A8E7D41","uuid":"AB","name":"loam-installing"}]}})",
                                     512);
  ASSERT_TRUE(gpt);
  ASSERT_NE(gpt->find(6), nullptr);
  EXPECT_EQ(gpt->find(6)->offset, 40960U);
  EXPECT_EQ(target_state(*gpt), TargetState::installing);
  EXPECT_EQ(target_state(Gpt{}), TargetState::other);
  EXPECT_TRUE(parse_sfdisk_json(R"({"partitiontable":{"label":"dos"}})", 512)->partitions.empty());
  EXPECT_FALSE(parse_sfdisk_json("{}", 512));
}

class TwoDisks : public ::testing::Test {
 protected:
  static Digest root() {
    Digest digest{};
    digest.fill(std::byte{0xab});
    return digest;
  }
  static constexpr auto uuid = "abababab-abab-abab-abab-abababababab";
  static std::vector<FoundPartition> disk(const std::string& name, const std::string& esp) {
    return {{name + "1", name, esp, std::string(kind(Part::esp).type)},
            {name + "2", name, uuid, std::string(kind(Part::verity_a).type)},
            {name + "3", name, uuid, std::string(kind(Part::root_a).type)}};
  }
  static std::vector<FoundPartition> both() {
    auto all = disk("/dev/a", "11111111-0000-0000-0000-000000000000");
    for (auto& partition : disk("/dev/b", "22222222-0000-0000-0000-000000000000")) all.push_back(partition);
    return all;
  }
};

TEST_F(TwoDisks, TheOneThatTheFirmwareBootedIsTaken) {
  const auto found = find_boot_disk(both(), "22222222-0000-0000-0000-000000000000", root());
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_EQ(found->root, "/dev/b3");
  EXPECT_EQ(find_boot_disk(both(), "11111111-0000-0000-0000-000000000000", root())->disk, "/dev/a");
}

TEST_F(TwoDisks, ACloneIsNeverPreferred) {
  auto all = disk("/dev/a", "11111111-0000-0000-0000-000000000000");
  for (auto& partition : disk("/dev/b", "11111111-0000-0000-0000-000000000000")) all.push_back(partition);
  const auto found = find_boot_disk(all, "11111111-0000-0000-0000-000000000000", root());
  ASSERT_FALSE(found);
  EXPECT_TRUE(found.error().message().contains("/dev/a and /dev/b are copies of one disk"));
}

TEST_F(TwoDisks, WithoutAWordOfTheFirmwareNoneIsGuessed) {
  const auto found = find_boot_disk(both(), std::nullopt, root());
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().text(),
            "/dev/a and /dev/b hold the same release, and the firmware does not say which it booted; remove all but "
            "one of them");
  EXPECT_TRUE(find_boot_disk(disk("/dev/a", "x"), std::nullopt, root()));
}

TEST(BootFacts, BothWays) {
  const BootFacts facts{
      .live = false, .root_hash = "ab", .disk = {"/dev/a", "e", "r", "v", "l", "s"}, .problems = {"one"}};
  const auto again = parse_boot_facts(to_json(facts));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->disk.state, "s");
  EXPECT_EQ(again->problems, facts.problems);
  EXPECT_FALSE(parse_boot_facts("{}"));
}

}  // namespace
}  // namespace loam::slots
