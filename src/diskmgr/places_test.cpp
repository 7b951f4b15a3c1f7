// Where a disk sits, who uses it, and what is wiped of it.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "diskmgr/claim.hpp"
#include "diskmgr/probe.hpp"
#include "diskmgr/slot.hpp"
#include "diskmgr/use.hpp"
#include "sys/subprocess.hpp"
#include "testing/temp_dir.hpp"

namespace loam::diskmgr {
namespace {

namespace fs = std::filesystem;

void put(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

TEST(Slot, BayOfAnEnclosure) {
  const testing::TempDir sys;
  const auto bay = sys / "devices/enclosure/0:0:24:0/Slot 03";
  put(sys / "devices/enclosure/0:0:24:0/id", "0x500304801f1e2d3c\n");
  fs::create_directories(bay);
  const auto device = sys / "devices/disk";
  fs::create_directories(device);
  fs::create_symlink(bay, device / "enclosure_device:Slot 03");
  fs::create_directories(sys / "class/enclosure/0:0:24:0");
  fs::create_directories(sys / "class/block/sda");
  fs::create_symlink(device, sys / "class/block/sda/device");
  EXPECT_EQ(slot_of("/dev/sda", sys / ""), "Slot 03 of enclosure 0x500304801f1e2d3c");
  fs::create_directories(sys / "class/block/sdb/device");
  EXPECT_EQ(slot_of("/dev/sdb", sys / ""), "");
  EXPECT_EQ(slot_of("/dev/gone", sys / ""), "");
}

TEST(Slot, PciSlotOfAnNvmeDisk) {
  const testing::TempDir sys;
  const auto controller = sys / "devices/pci0000:3a/0000:3a:00.0/0000:3b:00.0/nvme/nvme0";
  fs::create_directories(controller);
  fs::create_directories(sys / "class/block/nvme0n1");
  fs::create_symlink(controller, sys / "class/block/nvme0n1/device");
  put(sys / "bus/pci/slots/7/address", "0000:3c:00\n");
  put(sys / "bus/pci/slots/12/address", "0000:3b:00\n");
  EXPECT_EQ(slot_of("/dev/nvme0n1", sys / ""), "PCI slot 12");
}

TEST(Use, MountsSwapAndWhatIsStackedUpon) {
  const testing::TempDir root;
  const auto block = root / "sys/class/block";
  put(block / "sda/dev", "8:0\n");
  put(block / "sda/sda1/partition", "1\n");
  put(block / "sda1/dev", "8:1\n");
  put(block / "sda/holders/dm-0/dm/name", "vg-data\n");
  fs::create_directories(block / "sda1/holders/md0");
  put(root / "proc/self/mountinfo",
      "30 1 8:1 / /mnt/a rw - ext4 /dev/sda1 rw\n31 1 8:16 / /mnt/b rw - ext4 /dev/sdb rw\n");
  put(root / "proc/swaps",
      "Filename Type Size Used Priority\n/dev/sda1 partition 1 0 -2\n/dev/sda11 partition 1 0 -2\n");
  EXPECT_EQ(used_by("/dev/sda", root / ""), "held by dm-0 (vg-data), held by md0, mounted on /mnt/a, swap");
  EXPECT_EQ(used_by("/dev/sdc", root / ""), "");
}

constexpr std::uint64_t mebibyte = 1U << 20U;
constexpr std::uint64_t gibibyte = 1U << 30U;

TEST(WipePlaces, BothEndsAndWhereCopiesStand) {
  const auto places =
      wipe_places(20 * gibibyte, {.signatures = {{"btrfs in partition 1", "", "", 100 * mebibyte + 5}}, .ceph = {}});
  EXPECT_EQ(places, (std::vector<Extent>{{0, 16 * mebibyte},
                                         {64 * mebibyte, mebibyte},
                                         {100 * mebibyte, 2 * mebibyte},
                                         {gibibyte, mebibyte},
                                         {10 * gibibyte, mebibyte},
                                         {20 * gibibyte - 16 * mebibyte, 16 * mebibyte}}));
  EXPECT_EQ(wipe_places(10 * mebibyte, {}), (std::vector<Extent>{{0, 10 * mebibyte}}));
  EXPECT_EQ(wipe_places(0, {}), std::vector<Extent>{});
}

class Claiming : public ::testing::Test {
 protected:
  Claiming() {
    std::ofstream(path_).put('\0');
    fs::resize_file(path_, 256 * mebibyte);
  }
  void run(std::vector<std::string> argv, const std::string& input = "") {
    argv.push_back(path_);
    const auto done = sys::run(argv, {.timeout = std::chrono::seconds(60), .input = input, .environment = {}});
    ASSERT_TRUE(done) << done.error().text();
  }
  testing::TempDir dir_;
  std::string path_ = (dir_ / "disk").string();
};

TEST_F(Claiming, ABlankDiskIsNotWrittenTo) {
  const auto before = fs::last_write_time(path_);
  const auto done = claim_disk({{path_}, {}, Consent::none}, {});
  EXPECT_TRUE(done) << done.error().text();
  EXPECT_EQ(fs::last_write_time(path_), before);
}

TEST_F(Claiming, WhatIsNotBlankAnyMoreIsRefused) {
  run({"mke2fs", "-q", "-F", "-L", "photos"});
  const auto before = probe_content(path_);
  const auto done = claim_disk({{path_}, {}, Consent::none}, {});
  ASSERT_FALSE(done);
  EXPECT_TRUE(done.error().message().contains("was blank and holds ext")) << done.error().text();
  EXPECT_EQ(*probe_content(path_), *before);
}

TEST_F(Claiming, ConsentIsForWhatWasSeen) {
  run({"mke2fs", "-q", "-F", "-L", "photos"});
  const auto seen = *probe_content(path_);
  run({"mkswap"});
  const auto swap = probe_content(path_);
  const auto other = claim_disk({{path_}, seen, Consent::given}, {});
  ASSERT_FALSE(other);
  EXPECT_TRUE(other.error().message().contains("the consent to erase it was given for ext")) << other.error().text();
  EXPECT_EQ(*probe_content(path_), *swap);
  const auto done = claim_disk({{path_}, *swap, Consent::given}, {});
  ASSERT_TRUE(done) << done.error().text();
  const auto left = *probe_content(path_);
  EXPECT_TRUE(left.blank() || left.only_between_ends()) << to_text(left);
}

TEST_F(Claiming, APartitionTableGoesWithItsCopyAndWhatIsInPartitions) {
  run({"sfdisk", "-q"}, "label: gpt\nstart=40MiB, size=50MiB\n");
  run({"mke2fs", "-q", "-F", "-E", "offset=41943040"});
  const auto seen = *probe_content(path_);
  EXPECT_TRUE(to_text(seen).contains("gpt partition table") && to_text(seen).contains("in partition 1"))
      << to_text(seen);
  ASSERT_TRUE(claim_disk({{path_}, seen, Consent::given}, {}));
  const auto left = to_text(*probe_content(path_));
  EXPECT_TRUE(left == "nothing" || left == kind::between_ends) << left;
}

// A wipe that was cut off: the table is gone, what was in its partition is erased all the same.
TEST_F(Claiming, AWipeThatWasBegunGoesOn) {
  run({"sfdisk", "-q"}, "label: gpt\nstart=40MiB, size=50MiB\n");
  run({"mke2fs", "-q", "-F", "-E", "offset=41943040"});
  const auto seen = *probe_content(path_);
  std::fstream(path_, std::ios::in | std::ios::out) << std::string(1U << 20U, '\0');
  std::fstream(path_, std::ios::in | std::ios::out).seekp(100) << "x";
  EXPECT_FALSE(claim_disk({{path_}, seen, Consent::given}, {}));
  ASSERT_TRUE(claim_disk({{path_}, seen, Consent::begun}, {}));
  std::string at_partition(4096, 'x');
  std::ifstream(path_).seekg(41943040).read(at_partition.data(), 4096);
  EXPECT_EQ(at_partition, std::string(4096, '\0'));
}

TEST_F(Claiming, OldDataBetweenTheEndsOfAnErasedDisk) {
  std::fstream(path_, std::ios::in | std::ios::out).seekp(100 << 20) << std::string(16U << 20U, 'x');
  const auto seen = *probe_content(path_);
  ASSERT_TRUE(seen.only_between_ends());
  EXPECT_TRUE(claim_disk({{path_}, seen, Consent::none}, {}));
  EXPECT_FALSE(claim_disk({{path_}, {}, Consent::none}, {}));
  run({"mkswap"});
  const auto left = claim_disk({{path_}, *probe_content(path_), Consent::given}, {});
  ASSERT_TRUE(left) << left.error().text();
  EXPECT_EQ(*left, seen);
  EXPECT_TRUE(claim_disk({{path_}, *left, Consent::none}, {})) << "it is claimed by what the wipe left";
}

TEST_F(Claiming, AnotherDiskUnderTheNameIsRefused) {
  run({"mkswap"});
  const auto seen = *probe_content(path_);
  const auto done = claim_disk({{path_}, seen, Consent::given},
                               {.check_identity = [](int) { return Result<void>(fail("it is another")); }});
  ASSERT_FALSE(done);
  EXPECT_EQ(*probe_content(path_), seen);
}

TEST_F(Claiming, ALockedDiskIsLeftAlone) {
  const auto held = lock_disk(path_, std::chrono::seconds(1));
  ASSERT_TRUE(held);
  const auto done = claim_disk({{path_}, {}, Consent::given}, {.lock_limit = std::chrono::milliseconds(50)});
  ASSERT_FALSE(done);
  EXPECT_TRUE(done.error().message().contains("is locked by another program")) << done.error().text();
}

}  // namespace
}  // namespace loam::diskmgr
