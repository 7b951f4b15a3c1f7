#include "diskmgr/disk.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <format>
#include <fstream>
#include <map>

#include "diskmgr/disk_table.hpp"
#include "diskmgr/drivers.hpp"
#include "diskmgr/probe.hpp"
#include "sys/subprocess.hpp"
#include "testing/temp_dir.hpp"

namespace loam::diskmgr {
namespace {

Facts disk(std::string node, std::string wwn, std::string serial, std::string path) {
  Facts facts;
  facts.node = std::move(node);
  facts.wwn = std::move(wwn);
  facts.serial = std::move(serial);
  facts.by_path = std::move(path);
  facts.model = "ACME 1";
  facts.bytes = 1ULL << 40U;
  return facts;
}

Disk classed(Facts facts) { return classify({std::move(facts)}, std::string()).front(); }

TEST(DiskId, FallsAlongTheChainWhereTwoClaimTheSame) {
  const auto disks = classify(
      {disk("/dev/sda", "0x1", "S1", "p1"), disk("/dev/sdb", "0x1", "S2", "p2"), disk("/dev/sdc", "", "S3", "p3"),
       disk("/dev/sdd", "", "", "p4"), disk("/dev/sde", "0x5", "S5", "p5"), disk("/dev/sdf", "", "", "")},
      std::string());
  std::map<std::string, std::string> ids;
  for (const auto& one : disks) {
    ids[one.facts.node] = one.facts.id;
    EXPECT_TRUE(one.facts.id.empty() || model::DiskId::parse(one.facts.id)) << one.facts.id;
  }
  EXPECT_EQ(ids, (std::map<std::string, std::string>{{"/dev/sda", "serial-ACME_1-S1"},
                                                     {"/dev/sdb", "serial-ACME_1-S2"},
                                                     {"/dev/sdc", "serial-ACME_1-S3"},
                                                     {"/dev/sdd", "path-p4"},
                                                     {"/dev/sde", "wwn-0x5"},
                                                     {"/dev/sdf", ""}}));
  EXPECT_EQ(disks[0].reason, "has neither WWN nor serial number nor path: it cannot be told from another");
  const auto clash = std::ranges::find(disks, "serial-ACME_1-S1", [](const auto& one) { return one.facts.id; });
  EXPECT_EQ(clash->reason, "no data found; wwn-0x1 is also the name of another disk");
}

TEST(GroupsOfOurs, OnlyOfDisksThatAreOurs) {
  auto one = Disk{.facts = disk("/dev/sda", "0x1", "", ""), .cls = Class::metadata, .reason = {}};
  for (const auto* const volume : {"ceph-1/db-1", "ceph-1/db-2", "ceph-2/db", ""}) {
    CephPart part;
    part.volume = volume;
    one.facts.content.ceph.push_back(part);
  }
  EXPECT_EQ(groups_of_ours(one), (std::set<std::string>{"ceph-1", "ceph-2"}));
  one.cls = Class::foreign;
  EXPECT_TRUE(groups_of_ours(one).empty());
}

TEST(Classify, SaysWhy) {
  auto facts = disk("/dev/sda", "0x1", "", "");
  EXPECT_EQ(classed(facts).cls, Class::blank);
  facts.content.signatures = {{"ext4", "data", "", 1080}};
  EXPECT_EQ(classed(facts).reason, "holds ext4 \"data\"");
  facts.os_disk = true;
  EXPECT_EQ(classed(facts).cls, Class::os);
  facts.os_disk = false;
  facts.removable = true;
  EXPECT_EQ(classed(facts).cls, Class::removable);
  facts.bytes = 0;
  EXPECT_EQ(classed(facts).cls, Class::unusable);
}

Facts osd(const std::string& node, const std::string& uuid, const std::string& fsid, const std::string& id) {
  auto facts = disk(node, node, "", "");
  CephPart part;
  part.role = id.empty() ? CephRole::db : CephRole::block;
  part.osd_uuid = uuid;
  part.ceph_fsid = fsid;
  part.osd_id = id;
  facts.content.signatures = {{describe(part), "", uuid, 0}};
  facts.content.ceph = {part};
  return facts;
}

TEST(Classify, OsdsOfOurClusterAndOfOthers) {
  const std::vector<Facts> facts = {osd("/dev/sda", "u-1", "f-1", "3"), osd("/dev/sdb", "u-2", "f-2", "3"),
                                    osd("/dev/sdn0", "u-1", "", ""), osd("/dev/sdn1", "u-9", "", "")};
  const auto with = [&](const std::string& fsid) {
    std::vector<std::string> said;
    for (const auto& one : classify(facts, fsid))
      said.push_back(std::format("{}: {}", class_name(one.cls), one.reason));
    return said;
  };
  EXPECT_EQ(with("f-1"),
            (std::vector<std::string>{"osd: holds Ceph OSD 3 of cluster f-1 (uuid u-1); ours",
                                      "foreign: holds Ceph OSD 3 of cluster f-2 (uuid u-2); our cluster is f-1",
                                      "metadata: holds database of a Ceph OSD (uuid u-1); of our OSDs",
                                      "foreign: holds database of a Ceph OSD (uuid u-9); our cluster is f-1"}));
  auto used_again = facts[0];
  used_again.content.signatures.push_back({"ext4", "photos", "", 1080});
  EXPECT_EQ(classify({used_again}, "f-1").front().cls, Class::foreign);
  EXPECT_EQ(with("")[0],
            "foreign: holds Ceph OSD 3 of cluster f-1 (uuid u-1); cluster.ceph_fsid does not say that it is ours");
}

TEST(Classify, SharedDevicesAndUse) {
  auto shared = disk("/dev/nvme0n1", "0x9", "", "");
  shared.content.signatures = {{"LVM2_member", "ceph-1", "pv", 536}};
  for (const auto* const id : {"0", "1"})
    shared.content.ceph.push_back(
        {CephRole::db, "f-1", std::string("u-") + id, id, std::string("ceph-1/osd-db-") + id, false, 1, 1});
  EXPECT_EQ(classify({shared}, "f-1").front().cls, Class::metadata);
  EXPECT_EQ(
      classify({shared}, "f-1").front().reason,
      "holds LVM2_member \"ceph-1\" (uuid pv) with database of Ceph OSD 0 of cluster f-1, database of Ceph OSD 1 of "
      "cluster f-1; of our OSDs");
  shared.used_by = "held by dm-0 (ceph)";
  EXPECT_EQ(classify({shared}, "f-1").front().cls, Class::metadata) << "ours may be in use";
  EXPECT_EQ(classify({shared}, "f-2").front().cls, Class::busy);
  auto mixed = shared;
  mixed.content.ceph[1].ceph_fsid = "f-2";
  mixed.used_by.clear();
  EXPECT_EQ(classify({mixed}, "f-1").front().cls, Class::foreign);
  auto mounted = disk("/dev/sda", "0x1", "", "");
  mounted.used_by = "mounted on /mnt";
  EXPECT_EQ(classed(mounted).reason, "mounted on /mnt; holds nothing");
  EXPECT_EQ(classed(mounted).cls, Class::busy);
}

TEST(Classify, WhatCannotBecomeAnOsd) {
  auto facts = disk("/dev/sda", "0x1", "", "");
  facts.bytes = smallest_osd - 1;
  EXPECT_EQ(classed(facts).reason, "no data found, but too small for an OSD, which needs 4.7 GiB");
  EXPECT_EQ(classed(facts).cls, Class::unusable);
  facts.bytes = smallest_osd;
  EXPECT_EQ(classed(facts).cls, Class::blank);
  facts.health = {HealthState::failing, "SMART says that it fails", {}, {}, {}};
  EXPECT_EQ(classed(facts).reason, "no data found, but failing: SMART says that it fails");
  facts.read_error = "/dev/sda: Input/output error";
  EXPECT_EQ(classed(facts).cls, Class::unusable);
  facts.read_error.clear();
  facts.read_only = true;
  EXPECT_EQ(classed(facts).reason, "is read-only");
}

TEST(Classify, VirtualMediaOfControllersAreNoDisks) {
  auto facts = disk("/dev/sda", "", "", "p");
  facts.bus = model::Bus::usb;
  // Vendor and model as these controllers give them.
  for (const auto& [vendor, model] :
       {std::pair{"iDRAC", "Virtual HDisk"}, std::pair{"Linux", "Virtual Floppy"}, std::pair{"AMI", "Virtual HDisk0"},
        std::pair{"Cisco", "Virtual FDD/HDD"}, std::pair{"Generic-", "SD/MMC CRW"}}) {
    facts.vendor = vendor;
    facts.model = model;
    EXPECT_EQ(classed(facts).cls, Class::removable) << model;
  }
  facts.vendor = "Samsung";
  facts.model = "Portable SSD T7";
  EXPECT_EQ(classed(facts).cls, Class::blank);
}

TEST(Select, ExactlyOne) {
  std::vector<Disk> disks = {classed(disk("/dev/sda", "0x1", "S1", "")), classed(disk("/dev/sdb", "0x2", "S2", ""))};
  for (auto& one : disks) one.facts.id = "wwn-" + one.facts.wwn;
  model::DiskSelector selector;
  selector.bus = model::Bus::scsi;
  const auto two = select_install_disk(selector, disks);
  ASSERT_FALSE(two);
  EXPECT_EQ(two.error().text(),
            "2 disks match install.disk: wwn-0x1 (ACME 1, 1.0 TiB, scsi); wwn-0x2 (ACME 1, 1.0 TiB, scsi); add serial, "
            "model or id to install.disk so that exactly one matches");
  selector.serial = *model::Line::parse("S2");
  EXPECT_EQ(select_install_disk(selector, disks)->facts.node, "/dev/sdb");
  selector.bus = model::Bus::nvme;
  EXPECT_NE(select_install_disk(selector, disks)
                .error()
                .text()
                .find("no disk matches install.disk; the disks of this machine: wwn-0x1"),
            std::string::npos);
}

// A NVMe disk behind Intel's volume management device, as sysfs shows it.
TEST(Drivers, AllUpToTheBus) {
  namespace fs = std::filesystem;
  const testing::TempDir sys;
  const auto vmd = sys / "devices/pci0000:00/0000:00:0e.0";
  const auto nvme = vmd / "pci10000:e0/10000:e1:00.0";
  const auto controller = nvme / "nvme/nvme0";
  fs::create_directories(controller / "nvme0n1");
  for (const auto& [device, module] : {std::pair{vmd, "vmd"}, std::pair{nvme, "nvme"}}) {
    fs::create_directories(sys / "module" / module);
    fs::create_directories(sys / "drivers" / module);
    std::ofstream(sys / "module" / module / "initstate") << "live\n";
    fs::create_symlink(sys / "drivers" / module, device / "driver");
    fs::create_symlink(sys / "module" / module, sys / "drivers" / module / "module");
  }
  const auto port = sys / "devices/pci0000:00";
  fs::create_directories(sys / "module/pcieport");
  fs::create_directories(sys / "drivers/pcieport");
  fs::create_symlink(sys / "drivers/pcieport", port / "driver");
  fs::create_symlink(sys / "module/pcieport", sys / "drivers/pcieport/module");
  fs::create_directories(sys / "class/block");
  fs::create_symlink(controller, controller / "nvme0n1/device");
  fs::create_symlink(controller / "nvme0n1", sys / "class/block/nvme0n1");
  const auto modules = disk_modules("/dev/nvme0n1", sys / "");
  EXPECT_EQ(modules, (std::vector<std::string>{"nvme", "vmd"}));
  EXPECT_EQ(modules_not_in(modules, "nvme_core\nnvme\nsd_mod\n"), std::vector<std::string>{"vmd"});
  EXPECT_TRUE(modules_not_in(modules, "vmd\nnvme").empty());
  EXPECT_TRUE(disk_modules("/dev/gone", sys / "").empty());
}

class OnDisk : public ::testing::Test {
 protected:
  std::string image() {
    const auto path = (dir_ / "disk").string();
    std::ofstream(path).put('\0');
    std::filesystem::resize_file(path, 64U << 20U);
    return path;
  }
  testing::TempDir dir_;
};

TEST_F(OnDisk, BlankIsBlank) { EXPECT_EQ(probe_content(image()), Content{}); }

TEST_F(OnDisk, WhatRealToolsMakeIsSeen) {
  struct Maker {
    std::vector<std::string> argv;
    std::string input;
    std::string found;
  };
  const std::vector<Maker> makers = {{{"mke2fs", "-q", "-F", "-L", "photos"}, "", "ext4 \"photos\""},
                                     {{"mkfs.vfat", "-n", "STICK"}, "", "vfat \"STICK\""},
                                     {{"sfdisk", "-q"}, "label: gpt\n", "gpt partition table"},
                                     {{"sfdisk", "-q"}, "label: dos\n,\n", "dos partition table"}};
  for (const auto& maker : makers) {
    const auto path = image();
    auto argv = maker.argv;
    argv.push_back(path);
    const auto made = sys::run(argv, {.timeout = std::chrono::seconds(60), .input = maker.input, .environment = {}});
    ASSERT_TRUE(made) << made.error().text();
    const auto found = probe_content(path);
    ASSERT_TRUE(found);
    const auto wanted = maker.found.starts_with("ext4") ? std::string("ext") : maker.found;
    EXPECT_TRUE(to_text(*found).starts_with(wanted)) << to_text(*found);
    EXPECT_FALSE(found->signatures.front().uuid.empty());
    EXPECT_EQ(parse_content(to_json(*found)), *found);
    std::filesystem::remove(path);
  }
}

TEST_F(OnDisk, DataThatNobodyKnowsIsNotBlank) {
  for (const std::streamoff at : {0L, 3'000'000L, (64L << 20) - 1}) {
    const auto path = image();
    std::fstream file(path, std::ios::in | std::ios::out);
    file.seekp(at).put('x');
    file.close();
    EXPECT_EQ(to_text(*probe_content(path)), "data of an unknown kind") << at;
  }
  // A disk whose ends were wiped, or a RAID controller's: samples find what lies between.
  const auto path = image();
  std::fstream(path, std::ios::in | std::ios::out).seekp(20 << 20) << std::string(8 << 20, 'x');
  EXPECT_EQ(to_text(*probe_content(path)), "data of an unknown kind between its ends");
}

}  // namespace
}  // namespace loam::diskmgr
