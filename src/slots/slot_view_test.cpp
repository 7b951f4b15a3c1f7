#include "slots/slot_view.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "slots/release.hpp"

namespace loam::slots {
namespace {

Digest digest(int seed) {
  Digest value;
  value.fill(static_cast<std::byte>(seed));
  return value;
}

Gpt table(const Digest& a, const Digest& b) {
  Gpt gpt;
  const auto add = [&](Part part, std::string uuid) {
    gpt.partitions.push_back(
        {.number = number(part), .offset = 0, .bytes = 6ULL << 30U, .type = {}, .uuid = std::move(uuid), .name = {}});
  };
  add(Part::root_a, data_partition_uuid(a));
  add(Part::verity_a, verity_partition_uuid(a));
  add(Part::root_b, data_partition_uuid(b));
  add(Part::verity_b, verity_partition_uuid(b));
  return gpt;
}

std::string other_state(const std::vector<std::string>& files) {
  Manifest older;
  older.version = "1.3.0";
  older.root_hash = digest(3);
  const auto views = view_slots(table(digest(4), digest(3)), boot_entries(files), {older},
                                {.version = "1.4.0", .root_hash = digest(4)}, {});
  EXPECT_TRUE(views[0].running);
  EXPECT_EQ(views[1].version, "1.3.0");
  return state_text(views[1]);
}

TEST(SlotView, SaysWhatCanBecomeOfTheOtherSlot) {
  EXPECT_EQ(other_state({"loam-1.4.0.efi", "loam-1.3.0.efi"}), "blessed");
  EXPECT_EQ(other_state({"loam-1.4.0.efi", "loam-1.3.0+1-2.efi"}), "on trial, 1 try left");
  EXPECT_EQ(other_state({"loam-1.4.0.efi", "loam-1.3.0+0-3.efi"}), "failed, no tries left");
  EXPECT_EQ(other_state({"loam-1.4.0.efi", "loam-1.3.0+0.efi"}), "retired, starts only when nothing else does");
  EXPECT_EQ(other_state({"loam-1.4.0.efi"}), "incomplete, cannot start");
}

TEST(SlotView, OfANodeThatWasJustInstalled) {
  const SlotCheck check{.when = 1795770720, .problem = {}};
  const auto views = view_slots(table(digest(4), digest(9)), boot_entries({"loam-1.4.0+3.efi"}), {},
                                {.version = "1.4.0", .root_hash = digest(4)},
                                {{to_hex(digest(4)), check}, {to_hex(digest(9)), check}});
  EXPECT_EQ(views[0].check, check);
  EXPECT_FALSE(views[1].check) << "what is in it is not known";
  EXPECT_EQ(views[0].state, "trial");
  EXPECT_EQ(views[0].root_hash, digest(4));
  EXPECT_EQ(views[1].state, "empty");
  EXPECT_FALSE(views[1].root_hash);
  EXPECT_EQ(views[1].uuid, data_partition_uuid(digest(9)));
}

}  // namespace
}  // namespace loam::slots
