#include "slots/delta.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace loam::slots {
namespace {

// A block is a letter here; '.' is one of zeros.
Digest digest_of(char block) {
  Digest digest{};
  digest.fill(static_cast<std::byte>(block * 37));
  digest[0] = static_cast<std::byte>(block);
  return digest;
}

Seeds seeds_of(const std::string& active, const std::string& target) {
  Seeds seeds;
  seeds.zero = digest_of('.');
  for (std::size_t i = 0; i < active.size(); ++i) seeds.active.add(digest_of(active[i]), i);
  for (std::size_t i = 0; i < target.size(); ++i) {
    seeds.blank.push_back(target[i] == '.');
    if (target[i] != '.') seeds.target.add(digest_of(target[i]), i);
  }
  seeds.active.sort();
  seeds.target.sort();
  return seeds;
}

std::vector<Origin> plan(const std::string& wanted, const std::string& active, const std::string& target) {
  auto leaf = [&](std::uint64_t i) -> Result<Digest> { return digest_of(wanted[i]); };
  return plan_delta(wanted.size(), leaf, seeds_of(active, target)).value();
}

// "a3": block 3 of active; "t3"; "h", "z", "f".
std::string text(const std::vector<Origin>& origins) {
  std::string said;
  for (const auto origin : origins) {
    const bool copied = origin.from() == From::active || origin.from() == From::target;
    said +=
        std::string(1, "fhzat"[static_cast<int>(origin.from())]) + (copied ? std::to_string(origin.block()) : "") + " ";
  }
  return said;
}

// What an engine does with a plan: in order, then what is fetched.
std::string applied(const std::vector<Origin>& origins, const std::string& wanted, const std::string& active,
                    std::string target) {
  target.resize(std::max(target.size(), wanted.size()), '?');
  for (std::size_t i = 0; i < origins.size(); ++i) {
    const auto origin = origins[i];
    if (origin.from() == From::zero) target[i] = '.';
    if (origin.from() == From::active) target[i] = active.at(origin.block());
    if (origin.from() == From::target) target[i] = target.at(origin.block());
  }
  for (std::size_t i = 0; i < origins.size(); ++i)
    if (origins[i].from() == From::fetch) target[i] = wanted[i];
  return target.substr(0, wanted.size());
}

TEST(Delta, TakesWhatIsNearest) {
  EXPECT_EQ(text(plan("ab.cd", "xa", "zb.q")), "a1 h h f f ");
  EXPECT_EQ(text(plan("..", "", "x")), "z z ");
  EXPECT_EQ(text(plan("abc", "", "")), "f f f ");
}

TEST(Delta, WhatTheTargetHeldOnlyUntilItIsWritten) {
  EXPECT_EQ(text(plan("bc", "", "abc")), "t1 t2 ") << "ahead";
  EXPECT_EQ(text(plan("xab", "", "abc")), "f f f ") << "already written";
  EXPECT_EQ(text(plan("aba", "", "abc")), "h h t0 ") << "behind, and not written";
  EXPECT_EQ(text(plan("cba", "", "abc")), "t2 h f ") << "the first was overwritten";
}

TEST(Delta, AnyContentEndsRight) {
  std::mt19937 random(11);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same in every run
  const auto some = [&](std::size_t length) {
    std::string blocks;
    for (std::size_t i = 0; i < length; ++i) blocks += ".abcdefghijklmnopqrstuvw"[random() % 24];
    return blocks;
  };
  for (int round = 0; round < 3000; ++round) {
    const auto wanted = some(random() % 40);
    const auto active = some(random() % 40);
    const auto target = some(random() % 60);
    const auto origins = plan(wanted, active, target);
    ASSERT_EQ(applied(origins, wanted, active, target), wanted) << active << " " << target;
    const auto sum = summary(origins);
    EXPECT_EQ(sum.here + sum.zero + sum.copied + sum.fetched, wanted.size());
    // What was done once needs nothing the second time.
    EXPECT_EQ(summary(plan(wanted, active, wanted)).here, wanted.size());
  }
}

TEST(Delta, NeverFetchesWhatTheActiveSlotHas) {
  for (const auto origin : plan("hello world", "dlrow olleh", "")) EXPECT_NE(origin.from(), From::fetch);
}

TEST(Delta, ALeafThatCannotBeReadEndsIt) {
  EXPECT_FALSE(plan_delta(1, [](std::uint64_t) -> Result<Digest> { return fail("no"); }, {}));
  EXPECT_FALSE(plan_delta(max_slot_blocks + 1, [](std::uint64_t) -> Result<Digest> { return Digest{}; }, {}));
}

std::vector<BlockRun> runs(const std::string& which, const Coalescing& coalescing) {
  std::vector<Origin> origins;
  for (const auto one : which) origins.emplace_back(one == 'f' ? From::fetch : From::here, 0);
  return runs_to_fetch(origins, coalescing);
}

TEST(Delta, RunsAreFewAndNotTooLong) {
  const Coalescing two{.gap = 2, .limit = 100};
  EXPECT_TRUE(runs("hhh", two).empty());
  EXPECT_EQ(runs("hffhhf", two), (std::vector<BlockRun>{{1, 5}}));
  EXPECT_EQ(runs("hffhhhf", two), (std::vector<BlockRun>{{1, 2}, {6, 1}}));
  EXPECT_EQ(runs("ffffff", {.gap = 2, .limit = 4}), (std::vector<BlockRun>{{0, 4}, {4, 2}}));
  EXPECT_EQ(runs("fffhf", {.gap = 2, .limit = 4}), (std::vector<BlockRun>{{0, 3}, {4, 1}}));
}

TEST(BlockIndex, FindsAllInOrder) {
  BlockIndex index;
  for (const std::uint64_t block : {9U, 3U, 7U}) index.add(digest_of('a'), block);
  index.add(digest_of('b'), 1);
  index.sort();
  const auto found = index.find(digest_of('a'));
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].block, 3U);
  EXPECT_EQ(found[2].block, 9U);
  EXPECT_TRUE(index.find(digest_of('c')).empty());
  EXPECT_EQ(sizeof(BlockIndex::Entry), 12U);
  EXPECT_EQ(sizeof(Origin), 4U);
}

}  // namespace
}  // namespace loam::slots
