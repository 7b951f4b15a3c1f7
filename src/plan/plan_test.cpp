#include "plan/plan.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "plan/executor.hpp"
#include "plan/journal.hpp"
#include "plan/node_plan.hpp"
#include "testing/temp_dir.hpp"

namespace loam::plan {
namespace {

Plan three() {
  return {.title = "do three",
          .actions = {{.kind = "a", .target = "x", .summary = "first", .destroys = true, .arguments = {}},
                      {.kind = "b", .target = "y", .summary = "second", .destroys = false, .arguments = {{"k", "v"}}},
                      {.kind = "a", .target = "z", .summary = "third", .destroys = false, .arguments = {}}}};
}

std::vector<std::string> lines_of(const Plan& plan) {
  std::vector<std::string> lines;
  lines.reserve(plan.actions.size());
  for (const auto& action : plan.actions) lines.push_back(action.kind + " " + action.target);
  return lines;
}

struct Silent : Observer {
  void begin(const Action&, std::size_t, std::size_t) override {}
};

TEST(Plan, TextMarksWhatDestroys) {
  EXPECT_EQ(format(three()),
            "do three\n  1. ! a  x: first\n  2.   b  y: second\n  3.   a  z: third\n  ! destroys what is there now\n");
  EXPECT_EQ(format({.title = "idle", .actions = {}}), "idle: nothing to do\n");
}

TEST(Plan, JsonBothWays) {
  const auto again = from_json(to_json(three()));
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, three());
  EXPECT_EQ(id(*again), id(three()));
  for (const auto* const bad : {"", "{}", "[]", R"({"title":1,"actions":[]})"}) EXPECT_FALSE(from_json(bad)) << bad;
}

// Ended after each possible step and started again: every action is done, none that was recorded is done twice.
TEST(Executor, GoesOnWhereItStopped) {
  for (std::size_t stop = 0; stop < 3; ++stop) {
    const testing::TempDir dir;
    std::vector<std::string> log;
    bool fail_now = true;
    const Handler handler = [&](const Action& action) -> Result<void> {
      if (fail_now && action.target == three().actions[stop].target) return fail("the power went");
      log.push_back(action.target);
      return {};
    };
    const Handlers handlers = {{"a", handler}, {"b", handler}};
    Silent silent;
    auto first = Journal::open(dir / "j", three());
    ASSERT_TRUE(first);
    const auto stopped = run(three(), *first, handlers, silent);
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().message(),
              three().actions[stop].kind + " " + three().actions[stop].target + ": the power went");
    EXPECT_EQ(interrupted_plan(dir / "j").value(), three());

    fail_now = false;
    auto second = Journal::open(dir / "j", three());
    ASSERT_TRUE(second);
    EXPECT_TRUE(second->resumed());
    ASSERT_TRUE(run(three(), *second, handlers, silent));
    EXPECT_EQ(log, (std::vector<std::string>{"x", "y", "z"})) << "stopped at " << stop;
    EXPECT_EQ(interrupted_plan(dir / "j").value(), std::nullopt);
  }
}

TEST(Journal, HalfALineCountsAsNotDone) {
  const testing::TempDir dir;
  {
    auto journal = Journal::open(dir / "j", three());
    ASSERT_TRUE(journal && journal->begin(0) && journal->finish(0) && journal->begin(1) && journal->finish(1));
  }
  auto text = *read_file(dir / "j");
  text.resize(text.size() - 4);
  ASSERT_TRUE(write_file_atomic(dir / "j", text));
  auto journal = Journal::open(dir / "j", three());
  ASSERT_TRUE(journal);
  EXPECT_TRUE(journal->done(0));
  EXPECT_FALSE(journal->done(1));
  ASSERT_TRUE(journal->finish(1));
  EXPECT_TRUE(Journal::open(dir / "j", three())->done(1)) << "the cut line did not swallow the next";
}

TEST(Journal, AnotherPlanStartsAnew) {
  const testing::TempDir dir;
  {
    ASSERT_TRUE(Journal::open(dir / "j", three())->finish(0));
  }
  auto other = three();
  other.actions.pop_back();
  EXPECT_FALSE(Journal::open(dir / "j", other)->done(0));
}

TEST(Executor, UnknownKindStopsBeforeTheFirstEffect) {
  const testing::TempDir dir;
  int ran = 0;
  auto journal = Journal::open(dir / "j", three());
  Silent silent;
  EXPECT_FALSE(run(three(), *journal,
                   {{"a",
                     [&](const Action&) -> Result<void> {
                       ++ran;
                       return {};
                     }}},
                   silent));
  EXPECT_EQ(ran, 0);
}

TEST(NodePlan, WritesWhatDiffersRemovesWhatIsNotWantedAndReloadsOnce) {
  const std::vector<RenderedFile> desired = {
      {"/etc/a", "1", 0644, "u.service"}, {"/etc/b", "2", 0600, "u.service"}, {"/etc/c", "3", 0644, ""}};
  const auto plan = plan_node(desired, {{"/etc/a", "old"}, {"/etc/c", "3"}, {"/etc/systemd/network/x", "gone"}});
  EXPECT_EQ(lines_of(plan),
            (std::vector<std::string>{"write-file /etc/a", "write-file /etc/b", "remove-file /etc/systemd/network/x",
                                      "reload systemd-networkd.service", "reload u.service"}));
  EXPECT_TRUE(plan_node(desired, {{"/etc/a", "1"}, {"/etc/b", "2"}, {"/etc/c", "3"}}).empty());
}

TEST(NodePlan, ALinkThatIsMadeAnewGoesFirst) {
  const std::string dir = "/etc/systemd/network/";
  const auto plan = plan_node(
      {{dir + "20-bond0.netdev", "new", 0644, "n.service"}, {dir + "20-vlan5.netdev", "5", 0644, "n.service"}},
      {{dir + "20-bond0.netdev", "old"}, {dir + "20-br-a.netdev", "gone"}});
  EXPECT_EQ(lines_of(plan),
            (std::vector<std::string>{"write-file " + dir + "20-bond0.netdev", "write-file " + dir + "20-vlan5.netdev",
                                      "remove-file " + dir + "20-br-a.netdev", "delete-link bond0", "delete-link br-a",
                                      "reload n.service", "reload systemd-networkd.service"}));
}

TEST(NodePlan, AnInterruptedApplyStillOwesItsReloads) {
  const auto interrupted = plan_node({{"/etc/a", "1", 0644, "u.service"}, {"/etc/b", "2", 0644, "v.service"}}, {});
  const auto todo = with_owed_effects(plan_node({{"/etc/b", "3", 0644, "v.service"}}, {}), interrupted);
  EXPECT_EQ(lines_of(todo), (std::vector<std::string>{"write-file /etc/b", "reload v.service", "reload u.service"}));
}

// Else the old link stays, and is what the change is judged by.
TEST(NodePlan, AnInterruptedApplyStillOwesTheEndOfALink) {
  const std::vector<RenderedFile> desired = {
      {"/etc/systemd/network/20-bond0.netdev", "new", 0644, "systemd-networkd.service"}};
  const auto interrupted = plan_node(desired, {{desired[0].path, "old"}});
  const auto written = plan_node(desired, {{desired[0].path, "new"}});
  ASSERT_TRUE(written.empty());
  EXPECT_EQ(lines_of(with_owed_effects(written, interrupted)),
            (std::vector<std::string>{"delete-link bond0", "reload systemd-networkd.service"}));
}

}  // namespace
}  // namespace loam::plan
