#include "diskmgr/disk_book.hpp"

#include <gtest/gtest.h>

#include <format>

#include "diskmgr/node_storage.hpp"
#include "model/parse.hpp"

namespace loam::diskmgr {
namespace {

Facts hdd(int number) {
  Facts facts;
  facts.node = std::format("/dev/sd{}", number);
  facts.wwn = std::format("0x{:03}", number);
  facts.serial = std::format("S{}", number);
  facts.model = "ACME";
  facts.links = {std::format("/dev/disk/by-id/wwn-0x{:03}", number)};
  facts.bytes = 4ULL << 40U;
  facts.rotational = true;
  return facts;
}

Facts nvme(int number) {
  auto facts = hdd(number);
  facts.node = std::format("/dev/nvme{}n1", number);
  facts.rotational = false;
  facts.bus = model::Bus::nvme;
  facts.bytes = 1ULL << 40U;
  return facts;
}

void hold(Facts& facts, const std::string& kind) { facts.content.signatures = {{kind, "", "u", 0}}; }

void make_osd(Facts& facts, const std::string& id) {
  facts.content.ceph = {{CephRole::block, "f-1", "uuid-" + id, id, "", false, 0, 1}};
  facts.content.signatures = {{"osd", "", "uuid-" + id, 0}};
}

// With databases of those OSDs.
void make_metadata(Facts& facts, const std::vector<std::string>& osds) {
  facts.content.signatures = {{"LVM2_member", "ceph-db", "pv", 536}};
  for (const auto& id : osds)
    facts.content.ceph.push_back({CephRole::db, "f-1", "uuid-" + id, id, "ceph-db/" + id, false, 1, 30ULL << 30U});
}

model::Storage storage(const std::string& yaml) {
  const auto config = model::parse_config("version: 1\nstorage:\n" + yaml, "f");
  EXPECT_TRUE(config) << (config ? "" : config.error().text());
  return config ? config->storage : model::Storage{};
}

const std::string all = "  data: [{rotational: true}]\n";
const std::string with_metadata = all + "  metadata: {select: [{bus: nvme}], osds_per_device: 2}\n";

class Book : public ::testing::Test {
 protected:
  void want(const std::string& yaml) {
    storage_ = storage(yaml);
    book_.configure(storage_, "node1", "f-1", ledger_);
  }
  std::string use(const std::string& id) const {
    const auto* const entry = book_.named(id);
    return entry == nullptr ? "none" : std::string(use_name(entry->decision.use)) + ": " + entry->decision.why;
  }
  std::string plan() const { return format(plan_storage(storage_, "node1", book_.disks(), ledger_).plan); }
  // As loamd does with what is to be done, one after the other.
  void claim_all() {
    while (!book_.to_do().empty()) {
      const DiskBook::Entry* next = &book_.entries().at(*book_.to_do().begin());
      for (const auto& node : book_.to_do())
        if (book_.entries().at(node).decision.purpose == Purpose::metadata) next = &book_.entries().at(node);
      ledger_.claims.push_back(claim_for(next->disk, next->decision));
      book_.configure(storage_, "node1", "f-1", ledger_);
    }
  }

  DiskBook book_;
  Ledger ledger_;
  model::Storage storage_;
};

TEST_F(Book, OnlyBlankDisksAreClaimedUnasked) {
  want(all);
  book_.put(hdd(1));
  auto foreign = hdd(2);
  hold(foreign, "ext4");
  book_.put(foreign);
  book_.put(nvme(3));
  auto unread = hdd(4);
  unread.unread = "its content is being read";
  book_.put(unread);
  EXPECT_EQ(use("wwn-0x001"), "claim: blank; will become an OSD");
  EXPECT_EQ(use("wwn-0x002"), "none: holds ext4 (uuid u); loamctl disks wipe wwn-0x002 would erase it");
  EXPECT_EQ(use("wwn-0x003"), "none: storage.data does not select it");
  EXPECT_EQ(use("wwn-0x004"), "none: its content is being read");
  EXPECT_EQ(plan(),
            "disks of node1\n"
            "  1.   claim-disk  wwn-0x001: wwn-0x001 (ACME, 4.0 TiB, scsi, rotational): blank; will become an OSD\n");
  claim_all();
  EXPECT_EQ(use("wwn-0x001"), "waiting: claimed; Ceph has not made its OSD yet");
  want("  data: [{rotational: true}]\n  exclude: [{id: wwn-0x001}]\n");
  EXPECT_EQ(use("wwn-0x001"), "waiting: claimed; Ceph has not made its OSD yet");
  ledger_ = {};
  want("  data: [{rotational: true}]\n  exclude: [{id: wwn-0x001}]\n");
  EXPECT_EQ(use("wwn-0x001"), "none: storage.exclude names it");
  want("  data: []\n");
  EXPECT_EQ(use("wwn-0x001"), "none: storage.data in loam.yaml selects no disks");
}

TEST_F(Book, ConsentIsForOnce) {
  auto foreign = hdd(1);
  hold(foreign, "ext4");
  book_.put(foreign);
  want(all + "  wipe: [wwn-0x001]\n");
  EXPECT_EQ(use("wwn-0x001"), "wipe: storage.wipe names it; holds ext4 (uuid u)");
  EXPECT_TRUE(plan().contains("!"));
  begin_wipe(ledger_, "wwn-0x001", book_.named("wwn-0x001")->disk.facts.content, storage_);
  book_.configure(storage_, "node1", "f-1", ledger_);
  EXPECT_EQ(use("wwn-0x001"), "wipe: erased by consent") << "a wipe that was begun goes on after a power cut";
  hold(foreign, std::string(kind::unknown));
  book_.put(foreign);
  EXPECT_EQ(use("wwn-0x001"), "wipe: erased by consent") << "half of what was there";
  hold(foreign, "xfs");
  book_.put(foreign);
  EXPECT_TRUE(use("wwn-0x001").starts_with("none: holds xfs")) << "the consent was for something else";
  EXPECT_TRUE(updated(ledger_, book_.disks(), storage_).wipes.empty());
  end_wipe(ledger_, "wwn-0x001");
  hold(foreign, std::string(kind::between_ends));
  book_.put(foreign);
  want(all + "  wipe: [wwn-0x001]\n");
  EXPECT_EQ(use("wwn-0x001"), "claim: blank; will become an OSD") << "old data of a disk that we erased is nobody's";
  hold(foreign, "ext4");
  book_.put(foreign);
  ledger_ = updated(ledger_, book_.disks(), storage_);
  EXPECT_TRUE(ledger_.erased.empty());
  book_.configure(storage_, "node1", "f-1", ledger_);
  EXPECT_EQ(use("wwn-0x001"),
            "none: holds ext4 (uuid u); the consent in storage.wipe was used up: it was wiped before");
  ledger_ = updated(ledger_, book_.disks(), storage(all));
  want(all + "  wipe: [wwn-0x001]\n");
  EXPECT_EQ(use("wwn-0x001"), "wipe: storage.wipe names it; holds ext4 (uuid u)") << "taken out and given anew";
}

TEST_F(Book, ConsentIsTakenBack) {
  auto foreign = hdd(1);
  hold(foreign, "ext4");
  book_.put(foreign);
  want(all + "  wipe: [wwn-0x001]\n");
  begin_wipe(ledger_, "wwn-0x001", foreign.content, storage_);
  cancel_wipe(ledger_, "wwn-0x001");
  EXPECT_EQ(ledger_, Ledger{}) << "nothing was written";
  begin_wipe(ledger_, "wwn-0x001", foreign.content, storage_);
  want(all + "  exclude: [{id: wwn-0x001}]\n");
  EXPECT_TRUE(use("wwn-0x001").starts_with("none: ")) << use("wwn-0x001");
  // Cut off at the very end: the disk is blank.
  book_.put(hdd(1));
  EXPECT_TRUE(book_.take_ledger_stale());
  const auto over = updated(ledger_, book_.disks(), storage_);
  EXPECT_TRUE(over.wipes.empty());
  EXPECT_EQ(over.erased, std::vector<std::string>{"wwn-0x001"});
}

// After a node was installed anew, its list counts again: an OSD that it does not take for its own must not be in it.
TEST_F(Book, WhatMayBeAnOsdWantsAPerson) {
  auto osd = hdd(1);
  make_osd(osd, "3");
  book_.put(osd);
  storage_ = storage(all + "  wipe: [wwn-0x001]\n");
  book_.configure(storage_, "node1", "", ledger_);
  EXPECT_TRUE(use("wwn-0x001").ends_with("what may be an OSD is erased by loamctl disks wipe only"))
      << use("wwn-0x001");
  hold(osd, std::string(kind::damaged_osd));
  osd.content.ceph.clear();
  book_.put(osd);
  EXPECT_TRUE(use("wwn-0x001").ends_with("what may be an OSD is erased by loamctl disks wipe only"));
}

TEST_F(Book, PathsAreOneDisk) {
  want(all);
  auto first = hdd(1);
  auto second = hdd(1);
  second.node = "/dev/sd9";
  book_.put(first);
  second.used_by = "mounted on /mnt";
  book_.put(second);
  EXPECT_EQ(book_.entries().size(), 1U);
  EXPECT_EQ(use("wwn-0x001"), "none: mounted on /mnt; holds nothing") << "whatever its other path is used for";
  second.used_by.clear();
  second.os_disk = true;
  book_.put(second);
  EXPECT_EQ(use("wwn-0x001"), "none: this node booted from it");
  second.os_disk = false;
  hold(second, "ext4");
  book_.put(second);
  EXPECT_EQ(use("wwn-0x001"), "none: /dev/sd9 has the same WWN and serial number, and holds something else");
}

TEST_F(Book, NothingIsErasedForNoUse) {
  auto foreign = nvme(1);
  hold(foreign, "ext4");
  book_.put(foreign);
  want(all + "  wipe: [wwn-0x001]\n");
  EXPECT_EQ(
      use("wwn-0x001"),
      "none: holds ext4 (uuid u); storage.wipe names it, but it would be of no use: storage.data does not select it");
  auto ours = hdd(2);
  make_osd(ours, "3");
  book_.put(ours);
  want(all + "  wipe: [wwn-0x002]\n");
  EXPECT_TRUE(use("wwn-0x002").starts_with("osd: holds")) << "an OSD of ours is not erased by a list";
}

TEST_F(Book, DatabasesShareADevice) {
  for (int i = 1; i <= 5; ++i) book_.put(hdd(i));
  want(with_metadata);
  EXPECT_EQ(use("wwn-0x001"), "none: waits for a metadata device: none has room for its database");
  book_.put(nvme(8));
  book_.put(nvme(9));
  EXPECT_EQ(use("wwn-0x008"), "claim: will hold 2 databases of 512 GiB");
  claim_all();
  std::map<std::string, int> databases;
  for (const auto& claim : ledger_.claims)
    if (claim.purpose == Purpose::data) {
      ++databases[claim.metadata];
      EXPECT_EQ(claim.db_bytes, ledger_.find(claim.metadata)->db_bytes);
      EXPECT_LE(2 * claim.db_bytes, nvme(8).bytes - (16U << 20U));
    }
  EXPECT_EQ(databases, (std::map<std::string, int>{{"wwn-0x008", 2}, {"wwn-0x009", 2}}));
  const auto node = node_storage("node1", ledger_, book_.disks());
  EXPECT_TRUE(node.contains(
      R"({"config":{"databaseSizeMB":"524280","deviceClass":"hdd","metadataDevice":"/dev/disk/by-id/wwn-0x008"})"))
      << node;
  // Without its metadata device, Ceph would make an OSD without a database.
  book_.remove("/dev/nvme8n1");
  EXPECT_FALSE(node_storage("node1", ledger_, book_.disks()).contains("wwn-0x008"));
  // A fifth takes the part of one that is dropped.
  EXPECT_EQ(use("wwn-0x005"), "none: waits for a metadata device: none has room for its database");
  std::erase_if(ledger_.claims, [](const auto& claim) { return claim.id == "wwn-0x001"; });
  book_.remove("/dev/sd1");
  want(with_metadata);
  EXPECT_TRUE(use("wwn-0x005").starts_with("claim: blank; will become an OSD, its database on wwn-0x00"));
}

TEST_F(Book, SharesHaveRoomOnTheDevice) {
  book_.put(nvme(8));
  want(all + "  metadata: {select: [{bus: nvme}], size_per_osd: 300G}\n");
  EXPECT_EQ(use("wwn-0x008"), "claim: will hold 3 databases of 300 GiB");
  want(all + "  metadata: {select: [{bus: nvme}], size_per_osd: 300G, osds_per_device: 2}\n");
  EXPECT_EQ(use("wwn-0x008"), "claim: will hold 2 databases of 300 GiB");
  want(all + "  metadata: {select: [{bus: nvme}], size_per_osd: 2T}\n");
  EXPECT_EQ(use("wwn-0x008"), "none: too small for a database of 2.0 TiB");
}

TEST_F(Book, NoMoreThanAreAllowed) {
  for (int i = 1; i <= 3; ++i) book_.put(hdd(i));
  want(all + "  max_osds: 2\n");
  claim_all();
  EXPECT_EQ(ledger_.claims.size(), 2U);
  EXPECT_EQ(use("wwn-0x003"), "none: this node has 2 OSDs, storage.max_osds allows 2");
}

TEST_F(Book, RulesOfAHost) {
  book_.put(hdd(1));
  want("  data: []\n  hosts: [{hosts: [\"other*\"], max_osds: 0, data: [{}]}, {hosts: [\"node?\"], data: [{}]}]\n");
  EXPECT_EQ(use("wwn-0x001"), "claim: blank; will become an OSD");
  book_.configure(storage_, "other1", "f-1", ledger_);
  EXPECT_EQ(use("wwn-0x001"), "none: this node has 0 OSDs, storage.max_osds allows 0");
  book_.configure(storage_, "third", "f-1", ledger_);
  EXPECT_EQ(use("wwn-0x001"), "none: storage.data in loam.yaml selects no disks");
}

TEST_F(Book, OsdsThatAreFoundAreClaimsAndAreMissed) {
  auto osd = hdd(1);
  make_osd(osd, "3");
  osd.slot = "Slot 3 of enclosure 5";
  auto metadata = nvme(8);
  make_metadata(metadata, {"3"});
  want(with_metadata);
  book_.put(osd);
  book_.put(metadata);
  EXPECT_TRUE(book_.take_ledger_stale());
  ledger_ = updated(ledger_, book_.disks(), storage_);
  ASSERT_EQ(ledger_.claims.size(), 2U);
  const auto* const claim = ledger_.find("wwn-0x001");
  EXPECT_EQ(claim->osd_id + claim->slot + claim->metadata, "3Slot 3 of enclosure 5wwn-0x008");
  EXPECT_EQ(ledger_.find("wwn-0x008")->parts, 1) << "it holds what it holds and no more";
  EXPECT_EQ(parse_ledger(to_json(ledger_)), ledger_);
  want(with_metadata);
  EXPECT_TRUE(book_.absent().empty());
  book_.remove("/dev/sd1");
  EXPECT_EQ(book_.absent(), std::set<std::string>{"wwn-0x001"});
  // It comes back under another kernel name, and without a WWN since another disk has it too.
  osd.node = "/dev/sd77";
  auto twin = hdd(1);
  twin.node = "/dev/sd78";
  twin.serial = "other";
  book_.put(osd);
  book_.put(twin);
  EXPECT_TRUE(book_.absent().empty());
  EXPECT_EQ(updated(ledger_, book_.disks(), storage_), ledger_) << "taken for what it was";
}

TEST_F(Book, AClaimedDiskThatHoldsSomethingElseIsTrouble) {
  book_.put(hdd(1));
  want(all);
  claim_all();
  auto used = hdd(1);
  hold(used, "ext4");
  book_.put(used);
  EXPECT_TRUE(book_.entries().at("/dev/sd1").claimed_and_foreign);
  EXPECT_EQ(book_.troubled(), std::set<std::string>{"/dev/sd1"});
  EXPECT_EQ(node_storage("node1", ledger_, book_.disks()), R"({"devices":[],"name":"node1"})");
  auto ill = hdd(2);
  ill.health = {HealthState::warning, "8 sectors were replaced", {}, {}, {}};
  book_.put(ill);
  EXPECT_EQ(book_.troubled().size(), 2U);
}

// Which is which does not depend on the order in which disks come and go.
TEST_F(Book, OneByOneOrAllAtOnceIsTheSame) {
  want(with_metadata);
  std::vector<Facts> facts = {hdd(1), hdd(2), nvme(8), hdd(1)};
  facts[3].node = "/dev/sd9";  // a second path to the first
  facts[3].by_path = "p9";
  auto osd = hdd(4);
  make_osd(osd, "3");
  facts.push_back(osd);
  auto metadata = nvme(9);
  make_metadata(metadata, {"3"});
  metadata.content.ceph[0].ceph_fsid.clear();
  facts.push_back(metadata);
  auto twin = hdd(2);
  twin.node = "/dev/sd7";
  twin.serial = "twin";
  facts.push_back(twin);
  std::ranges::sort(facts, {}, &Facts::node);
  const auto said = [](const DiskBook& book) {
    std::string text;
    for (const auto& [node, entry] : book.entries())
      text += std::format("{} {} x{} {} {}\n", node, entry.disk.facts.id, entry.disk.facts.paths.size(),
                          entry.disk.reason, entry.decision.why);
    return text;
  };
  for (const auto& one : facts) book_.put(one);
  const auto expected = said(book_);
  EXPECT_TRUE(expected.contains("/dev/sd1 wwn-0x001 x2")) << expected;
  EXPECT_FALSE(expected.contains("/dev/sd9")) << expected;
  EXPECT_TRUE(expected.contains("of our OSDs")) << expected;
  int tried = 0;
  do {
    DiskBook other;
    other.configure(storage_, "node1", "f-1", ledger_);
    for (const auto& one : facts) other.put(one);
    other.remove(facts[0].node);
    other.put(facts[0]);
    ASSERT_EQ(said(other), expected);
  } while (std::ranges::next_permutation(facts, {}, &Facts::node).found && ++tried < 2000);
  for (const auto& one : facts) book_.remove(one.node);
  EXPECT_TRUE(book_.entries().empty());
  EXPECT_EQ(book_.named("wwn-0x001"), nullptr);
}

TEST(Ledger, WhatIsNoneIsAnError) {
  for (const auto* const text : {"", "{}", "[]", R"({"version":2})", R"({"version":1e64})",
                                 R"({"version":1,"claims":[{}],"used_consents":[],"erased":[],"wipes":[]})"})
    EXPECT_FALSE(parse_ledger(text)) << text;
  EXPECT_EQ(parse_ledger(to_json(Ledger{})), Ledger{});
}

}  // namespace
}  // namespace loam::diskmgr
