// Against trees that veritysetup made, on files.
#include "slots/delta_apply.hpp"

#include <gtest/gtest.h>

#include <format>
#include <random>

#include "base/file.hpp"
#include "base/text.hpp"
#include "sys/subprocess.hpp"
#include "testing/temp_dir.hpp"

namespace loam::slots {
namespace {

// A source that cuts its pieces anywhere, counts, and can be made to fail.
class Choppy : public Source {
 public:
  explicit Choppy(std::string data) : data_(std::move(data)) {}
  Result<std::string> whole(std::string_view /*name*/, std::size_t /*limit*/) override { return data_; }
  Result<bool> has_ranges(std::string_view /*name*/) override { return true; }
  Result<void> parts(std::string_view /*name*/, std::uint64_t /*bytes*/, std::span<const Extent> wanted,
                     const Take& take) override {
    requests += wanted.size();
    for (const auto& part : wanted)
      for (std::uint64_t at = part.offset; at < part.offset + part.bytes;) {
        const auto some = std::min<std::uint64_t>(1 + random_() % 9000, part.offset + part.bytes - at);
        if (sent + some > fails_after) return fail("the cable is out");
        LOAM_CHECK(take(at, std::as_bytes(std::span(data_)).subspan(at, some)));
        sent += some;
        at += some;
      }
    return {};
  }
  std::uint64_t sent = 0;
  std::uint64_t requests = 0;
  std::uint64_t fails_after = ~0ULL;

 private:
  std::string data_;
  std::minstd_rand random_{5};  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same in every run
};

class DeltaApply : public ::testing::Test {
 protected:
  // Each letter is a block of its own; '.' one of zeros.
  static std::string data(const std::string& blocks) {
    std::string text;
    for (const char block : blocks)
      text += block == '.' ? std::string(block_size, '\0') : std::format("{:*^{}}", block, block_size);
    return text;
  }

  VerityTree tree(const std::string& name, const std::string& blocks, const std::string& salt = "abcd") {
    EXPECT_TRUE(write_file_atomic(dir_ / name, data(blocks)));
    const auto made = sys::run({"veritysetup", "format", "--data-block-size=4096", "--hash-block-size=4096",
                                "--salt=" + salt, (dir_ / name).string(), (dir_ / (name + ".verity")).string()});
    EXPECT_TRUE(made);
    const auto at = made->out.find("Root hash:") + 10;
    const auto root = parse_digest(trim(std::string_view(made->out).substr(at, made->out.find('\n', at) - at)));
    return VerityTree::open(dir_ / (name + ".verity"), 0, *root).value();
  }

  // The target, which begins at 8192, after the run.
  std::string target(std::size_t blocks) { return read_file(dir_ / "target")->substr(8192, blocks * block_size); }

  void set_target(const std::string& blocks, std::size_t room = 64) {
    auto text = data(blocks);
    text.resize(room * block_size, 'x');
    EXPECT_TRUE(write_file_atomic(dir_ / "target", std::string(8192, 'y') + text));
  }

  DeltaTarget place(std::size_t room = 64) {
    return {.root = {.path = dir_ / "target", .offset = 8192}, .bytes = room * block_size};
  }

  testing::TempDir dir_;
};

TEST_F(DeltaApply, FetchesOnlyWhatNobodyHas) {
  const std::string wanted = "abcdefgh.ijklmnopqrstuvwxyz..ABC";
  auto active_tree = tree("active", "zyxwvutsrqponmlkji");
  auto wanted_tree = tree("new", wanted);
  set_target("1ab.2");
  Choppy source(data(wanted));
  const DeltaOptions options{.coalescing = {.gap = 0, .limit = 8}};
  const auto report =
      apply_delta(wanted_tree, place(), ActiveSlot{{dir_ / "active", 0}, &active_tree}, source, "root", options);
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(target(wanted.size()), data(wanted));
  EXPECT_EQ(report->planned.copied, 20U) << "a and b of the target, i to z of the active slot";
  EXPECT_EQ(report->planned.zero, 3U);
  EXPECT_EQ(report->planned.fetched, 9U) << "c to h, A to C";
  EXPECT_EQ(report->fetched, 9 * block_size);
  EXPECT_EQ(source.requests, 2U);
  EXPECT_EQ(read_file(dir_ / "target")->substr(0, 8192), std::string(8192, 'y')) << "what lies before is untouched";
}

// Whatever lies in a slot that was never used: all of it is written.
TEST_F(DeltaApply, ASlotThatWasNeverUsedIsNotLookedThrough) {
  auto active_tree = tree("active", "abc");
  auto wanted_tree = tree("new", "ab.cd");
  set_target("ab..d");
  auto unused = place();
  unused.unused = true;
  Choppy source(data("ab.cd"));
  const auto report =
      apply_delta(wanted_tree, unused, ActiveSlot{{dir_ / "active", 0}, &active_tree}, source, "root", {});
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(target(5), data("ab.cd"));
  EXPECT_EQ(report->planned.here, 0U);
  EXPECT_EQ(report->planned.copied, 3U) << "the running slot is";
  EXPECT_EQ(report->planned.fetched, 1U);
}

TEST_F(DeltaApply, GoesOnWhereItEnded) {
  const std::string wanted = "abcdefghijklmnopqrstuvwxyz";
  auto wanted_tree = tree("new", wanted);
  set_target("");
  std::uint64_t sent = 0;
  for (int cut = 0; cut < 40; ++cut) {
    Choppy source(data(wanted));
    source.fails_after = 20'000;
    const auto report = apply_delta(wanted_tree, place(), {}, source, "root", {});
    sent += source.sent;
    if (report) break;
    EXPECT_EQ(report.error().message(), "the cable is out");
  }
  EXPECT_EQ(target(wanted.size()), data(wanted));
  EXPECT_LT(sent, wanted.size() * block_size * 2)
      << "what came once is not fetched again, but for blocks that were cut";
}

TEST_F(DeltaApply, ASlotThatRotsIsNotCopied) {
  auto active_tree = tree("active", "abcdef");
  auto wanted_tree = tree("new", "fedcba");
  auto rotten = data("abcdef");
  rotten[3 * block_size + 100] = '!';
  ASSERT_TRUE(write_file_atomic(dir_ / "active", rotten));
  set_target("");
  Choppy source(data("fedcba"));
  const auto report =
      apply_delta(wanted_tree, place(), ActiveSlot{{dir_ / "active", 0}, &active_tree}, source, "root", {});
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->reread, 1U);
  EXPECT_EQ(report->fetched, block_size);
  EXPECT_EQ(target(6), data("fedcba"));
}

TEST_F(DeltaApply, NothingWrongIsWritten) {
  auto wanted_tree = tree("new", "abcdef");
  set_target("");
  auto lie = data("abcdef");
  lie[4 * block_size] = '!';
  Choppy source(lie);
  const auto report = apply_delta(wanted_tree, place(), {}, source, "loam-1.root", {});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().message(), "loam-1.root: block 4 (byte 16384) is not the release's");
  EXPECT_EQ(target(6), data("abcd") + std::string(2 * block_size, 'x'));
}

TEST_F(DeltaApply, AnotherSaltHelpsNobody) {
  auto active_tree = tree("active", "abcdef", "1234");
  auto wanted_tree = tree("new", "abcdef");
  set_target("");
  Choppy source(data("abcdef"));
  const auto report =
      apply_delta(wanted_tree, place(), ActiveSlot{{dir_ / "active", 0}, &active_tree}, source, "root", {});
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->planned.fetched, 6U);
}

TEST_F(DeltaApply, TooLargeIsSaidBeforeAnythingIsWritten) {
  auto wanted_tree = tree("new", "abcdef");
  set_target("", 5);
  Choppy source(data("abcdef"));
  const auto report = apply_delta(wanted_tree, place(5), {}, source, "root", {});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().message(), "the release has 24576 bytes, the slot 20480");
  EXPECT_EQ(target(5), std::string(5 * block_size, 'x'));
}

TEST_F(DeltaApply, FromADirectory) {
  std::string wanted;
  for (int i = 0; i < 700; ++i) wanted += static_cast<char>('a' + i * 7 % 26);
  auto wanted_tree = tree("new", wanted);
  set_target("", 1000);
  DirectorySource source(dir_.path());
  std::uint64_t left = 1;
  const DeltaOptions options{.coalescing = {},
                             .progress = [&](const DeltaProgress& progress) { left = progress.left; }};
  const auto report = apply_delta(wanted_tree, place(1000), {}, source, "new", options);
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(target(wanted.size()), data(wanted));
  EXPECT_EQ(left, 0U);
  EXPECT_FALSE(source.whole("new", 100));
  const Extent behind{.offset = 699 * block_size, .bytes = 2 * block_size};
  EXPECT_FALSE(source.parts("new", 700 * block_size, std::span(&behind, 1), [](auto, auto) { return Result<void>{}; }));
}

}  // namespace
}  // namespace loam::slots
