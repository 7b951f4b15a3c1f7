// Whatever is pressed, and whatever size the terminal takes meanwhile: no crash, and nothing is done that was not
// confirmed on the last page.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>
#include <string>

#include "app.hpp"
#include "example_facts.hpp"
#include "frame_writer.hpp"
#include "golden.hpp"
#include "keys.hpp"

namespace loam::console {
namespace {

constexpr int events = 100'000;
// Random letters lead nowhere soon: every now and then somebody begins anew, on another page, with answers that are
// good.
constexpr int events_of_a_run = 250;

Key random_key(std::mt19937& random) {
  // What leads on is pressed more often than it would be by chance.
  const auto roll = random() % 100;
  if (roll < 10) return {KeyKind::function, {}, 4};
  if (roll < 25) return {KeyKind::enter, {}, 0};
  if (roll < 45) return {KeyKind::down, {}, 0};
  const auto kind = static_cast<KeyKind>(random() % 17);
  if (kind == KeyKind::function) return {kind, {}, static_cast<int>(random() % 12) + 1};
  constexpr std::array<std::string_view, 12> letters = {"a", "0", "1", ".", "/", " ", ":", "ü", "€", "~", "-", "漢"};
  if (kind == KeyKind::text) return {kind, std::string(letters.at(random() % letters.size())), 0};
  if (kind == KeyKind::control) return {kind, std::string(1, static_cast<char>('a' + random() % 26)), 0};
  return {kind, {}, 0};
}

// As a line with noise on it sends: pieces of sequences, and bytes that are no letter.
std::string random_bytes(std::mt19937& random) {
  constexpr std::array<std::string_view, 14> pieces = {"\x1b", "[",  "A",    "1;5", "~",    "\r",     "\n",
                                                       "\x7f", "\t", "\xc3", "漢",  "\xff", "24;80R", "\x1bOS"};
  std::string bytes;
  for (auto left = random() % 6; left > 0; --left) bytes += pieces.at(random() % pieces.size());
  if (random() % 2 == 0) bytes += static_cast<char>(random() % 256);
  return bytes;
}

// The wizard on a page, everything before it answered.
App wizard_at(WizardPage page) {
  if (page == WizardPage::summary) return at_the_summary();
  auto app = wizard();
  for (int i = 0; i < static_cast<int>(page); ++i) app.key({KeyKind::function, {}, 4});
  return app;
}

class Chaos {
 public:
  void run() {
    for (int i = 0; i < events; ++i) {
      if (i % events_of_a_run == 0) begin(static_cast<std::size_t>(i / events_of_a_run));
      if (app_.wizard() != nullptr) ++at_[static_cast<std::size_t>(app_.wizard()->at())];
      if (random_() % 10 == 0) {
        for (const auto& key : parser_.take(random_bytes(random_))) take(key);
        if (random_() % 2 == 0)
          for (const auto& key : parser_.flush()) take(key);
      } else {
        take(random_key(random_));
      }
      happens();
      if (testing::Test::HasFatalFailure()) return;
    }
  }
  int asked(const std::string& deed) const {
    const auto found = asked_.find(deed);
    return found == asked_.end() ? 0 : found->second;
  }
  int at(std::size_t page) const { return at_.at(page); }

 private:
  void begin(std::size_t run) {
    // The last page more often: Esc leads away from it soon.
    const auto kind = run % (wizard_pages + 4);
    if (kind >= wizard_pages + 2) {
      app_ = at_the_summary();
    } else if (kind >= wizard_pages) {
      app_ = App();
      app_.take(kind == wizard_pages ? example::running_node() : example::blank_machine());
    } else {
      app_ = wizard_at(static_cast<WizardPage>(kind));
      ASSERT_EQ(app_.wizard()->at(), static_cast<WizardPage>(kind));
    }
  }

  void take(const Key& key) {
    const auto order = app_.key(key);
    if (!order.name.empty()) ++asked_[order.name];
    if (order.name != "setup" && order.name != "save") return;
    ASSERT_TRUE(app_.wizard() != nullptr && app_.wizard()->at() == WizardPage::summary) << order.name;
    ASSERT_TRUE(app_.wizard()->problems().empty());
  }

  // Whatever is not a key: sizes, answers also to what was not asked for, and what loamd says.
  void happens() {
    if (random_() % 50 == 0) {
      columns_ = static_cast<int>(random_() % 240) + 1;
      rows_ = static_cast<int>(random_() % 67) + 1;
    }
    if (random_() % 100 == 0) {
      constexpr std::array<const char*, 9> orders = {"plan",  "load", "network-now", "network", "keyboard",
                                                     "setup", "save", "wizard",      "support"};
      const std::string deed = orders.at(random_() % orders.size());
      random_() % 2 == 0 ? app_.answered(deed, std::string("version: 1\nhostname: node-9\n"))
                         : app_.answered(deed, fail("no"));
    }
    if (random_() % 800 == 0) app_.take(random_() % 2 == 0 ? example::blank_machine() : example::running_node());
    if (random_() % 20 == 0) writer_.update(app_.picture(columns_, rows_));
  }

  std::mt19937 random_{7};  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same in every run
  App app_;
  FrameWriter writer_{TerminalKind{}};
  KeyParser parser_;
  int columns_ = 80;
  int rows_ = 24;
  std::map<std::string, int> asked_;
  std::array<int, wizard_pages> at_{};
};

TEST(RandomKeys, NothingBreaks) {
  Chaos chaos;
  chaos.run();
  for (std::size_t page = 0; page < wizard_pages; ++page)
    EXPECT_GT(chaos.at(page), events / 50) << "page " << page << " was hardly there";
  for (const auto* const deed : {"setup", "save", "plan", "retry", "support", "reboot", "poweroff"})
    EXPECT_GE(chaos.asked(deed), 20) << deed << " was hardly asked for";
  for (const auto* const deed : {"load", "keys", "keyboard", "try-network", "network-now", "shell"})
    EXPECT_GE(chaos.asked(deed), 5) << deed << " was hardly asked for";
}

TEST(RandomKeys, DocumentsThatAreNone) {
  std::mt19937 random(8);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same in every run
  for (const auto* const text :
       {"", "[]", "{}", "null", "7", R"({"links": 3})", R"([1, "x", {"id": 4}])", R"({"links": [{"addresses": 5}]})"}) {
    auto facts = example::blank_machine();
    facts.machine = facts.links = facts.disks = facts.slots = facts.upgrade = text;
    App app;
    app.take(facts);
    for (int i = 0; i < 300; ++i) {
      app.key(random_key(random));
      app.picture(80, 24);
    }
  }
}

}  // namespace
}  // namespace loam::console
