// Whatever is pressed, and whatever size the terminal takes meanwhile: no crash, and nothing is done that was not
// confirmed on the last page.
#include <gtest/gtest.h>

#include <random>

#include "app.hpp"
#include "example_facts.hpp"
#include "frame_writer.hpp"

namespace loam::console {
namespace {

constexpr int events = 100'000;

Key random_key(std::mt19937& random) {
  const auto kind = static_cast<KeyKind>(random() % 17);
  if (kind == KeyKind::function) return {kind, {}, static_cast<int>(random() % 12) + 1};
  constexpr std::array<std::string_view, 12> letters = {"a", "0", "1", ".", "/", " ", ":", "ü", "€", "~", "-", "漢"};
  if (kind == KeyKind::text) return {kind, std::string(letters.at(random() % letters.size())), 0};
  if (kind == KeyKind::control) return {kind, std::string(1, static_cast<char>('a' + random() % 26)), 0};
  return {kind, {}, 0};
}

TEST(RandomKeys, NothingBreaks) {
  std::mt19937 random(7);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same in every run
  App app;
  FrameWriter writer({});
  app.take(example::blank_machine());
  int columns = 80;
  int rows = 24;
  for (int i = 0; i < events; ++i) {
    const auto order = app.key(random_key(random));
    if (order.name == "setup" || order.name == "save") {
      ASSERT_TRUE(app.wizard() != nullptr && app.wizard()->at() == WizardPage::summary) << order.name;
      ASSERT_TRUE(app.wizard()->problems().empty());
    }
    if (random() % 50 == 0) {
      columns = static_cast<int>(random() % 240) + 1;
      rows = static_cast<int>(random() % 67) + 1;
    }
    // Answers come whenever they come, also of what was not asked for.
    if (random() % 200 == 0) {
      constexpr std::array<const char*, 6> orders = {"plan", "load", "network-now", "network", "keyboard", "support"};
      const std::string deed = orders.at(random() % orders.size());
      random() % 2 == 0 ? app.answered(deed, std::string("version: 1\nhostname: node-9\n"))
                        : app.answered(deed, fail("no"));
    }
    if (random() % 400 == 0) app.take(random() % 2 == 0 ? example::blank_machine() : example::running_node());
    if (random() % 20 == 0) writer.update(app.picture(columns, rows));
  }
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
