#include "sys/subprocess.hpp"

#include <gtest/gtest.h>

#include "sys/event_loop.hpp"

namespace loam::sys {
namespace {

TEST(Run, GivesInputAndTakesOutput) {
  const auto big = std::string(1'000'000, 'x');
  const auto done = run({"cat"}, {.timeout = std::chrono::seconds(20), .input = big, .environment = {}});
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(done->out, big);
}

TEST(Run, ArgumentsAreNotWordsOfAShell) { EXPECT_EQ(run({"printf", "%s", "$(id); *"})->out, "$(id); *"); }

TEST(Run, FailureSaysWhatTheProgramSaid) {
  const auto failed = run({"ls", "/nonexistent"});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message(), "ls exited with 2: ls: cannot access '/nonexistent': No such file or directory");
  EXPECT_NE(run({"/nonexistent"}).error().message().find("/nonexistent: No such file"), std::string::npos);
}

TEST(Run, TimeLimitEndsTheProgramAndItsChildren) {
  const auto late =
      run({"sh", "-c", "sleep 100 & wait"}, {.timeout = std::chrono::seconds(1), .input = {}, .environment = {}});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().message(), "sh (limit 1 s): took too long");
}

TEST(Run, TimeLimitHoldsForOneThatClosedItsOutputs) {
  const auto late = run({"sh", "-c", "exec >&- 2>&-; sleep 100"},
                        {.timeout = std::chrono::seconds(1), .input = {}, .environment = {}});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().message(), "sh (limit 1 s): took too long");
}

TEST(Run, OneReadsWhatTheOtherWrites) {
  const auto limit = std::chrono::seconds(20);
  const auto done = run_piped({"head", "-c", "3000000", "/dev/zero"}, {"wc", "-c"}, limit);
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(done->out, "3000000\n");
  const auto first = run_piped({"ls", "/nonexistent"}, {"wc", "-c"}, limit);
  ASSERT_FALSE(first);
  EXPECT_TRUE(first.error().text().starts_with("ls exited with 2")) << first.error().text();
  const auto second = run_piped({"head", "-c", "3000000", "/dev/zero"}, {"false"}, limit);
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().text().starts_with("false exited with 1")) << second.error().text();
  EXPECT_FALSE(run_piped({"sleep", "100"}, {"cat"}, std::chrono::seconds(1)));
}

TEST(Run, TheEnvironmentIsNotOurs) {
  ::setenv("LOAM_SECRET", "x", 1);
  EXPECT_EQ(run({"env"})->out.find("LOAM_SECRET"), std::string::npos);
}

class Children : public ::testing::Test {
 protected:
  std::pair<std::vector<std::string>, std::string> watch(const std::vector<std::string>& argv) {
    auto loop = EventLoop::create();
    std::vector<std::string> lines;
    std::string problem = "did not end";
    auto child = Child::start(*loop, argv,
                              {.line = [&](std::string_view line) { lines.emplace_back(line); },
                               .end =
                                   [&](const std::string& text) {
                                     problem = text;
                                     loop->stop();
                                   }});
    EXPECT_TRUE(child);
    EXPECT_TRUE(loop->run());
    return {lines, problem};
  }
};

TEST_F(Children, LinesComeAndTheEndComesLast) {
  const auto [lines, problem] = watch({"printf", "one\ntwo\n"});
  EXPECT_EQ(lines, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(problem, "");
}

TEST_F(Children, ALastLineWithoutItsEndIsALine) {
  EXPECT_EQ(watch({"printf", "one\ntwo"}).first, (std::vector<std::string>{"one", "two"}));
}

TEST_F(Children, AFailureCarriesTheLastWords) {
  EXPECT_EQ(watch({"sh", "-c", "echo no >&2; exit 3"}).second, "no");
  EXPECT_EQ(watch({"sh", "-c", "exit 3"}).second,
            "exited with 3 and said nothing; loamctl logs shows what went before");
  EXPECT_EQ(watch({"sh", "-c", "kill -9 $$"}).second,
            "was ended by signal 9 and said nothing; loamctl logs shows what went before");
}

}  // namespace
}  // namespace loam::sys
