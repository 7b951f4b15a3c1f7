#include "golden.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <format>
#include <utility>

#include "base/file.hpp"
#include "example_facts.hpp"

namespace loam::console {

std::string plain(const ftxui::Screen& screen) {
  std::string all;
  for (int y = 0; y < screen.dimy(); ++y) {
    std::string line;
    for (int x = 0; x < screen.dimx(); ++x) line += screen.at(x, y);
    all += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return all;
}

void expect_golden(const App& app, const std::string& name) {
  for (const auto& [columns, rows] : {std::pair(80, 24), std::pair(120, 40)}) {
    const auto seen = plain(app.picture(columns, rows));
    const auto path = std::filesystem::path(LOAM_GOLDEN) / std::format("{}-{}x{}.txt", name, columns, rows);
    if (std::getenv("LOAM_GOLDEN_WRITE") != nullptr) {  // NOLINT(concurrency-mt-unsafe): one thread
      ASSERT_TRUE(write_file_atomic(path, seen));
    }
    const auto wanted = read_file(path);
    ASSERT_TRUE(wanted) << wanted.error().text();
    EXPECT_EQ(seen, *wanted) << path;
  }
}

void press(App& app, KeyKind kind, int times) {
  for (int i = 0; i < times; ++i) app.key({kind, {}, 0});
}

void type(App& app, std::string_view text) {
  for (const char letter : text) app.key({KeyKind::text, std::string(1, letter), 0});
}

App wizard() {
  App app;
  app.take(example::blank_machine());
  press(app, KeyKind::enter, 2);  // the menu, and its first entry
  return app;
}

App at_the_summary() {
  auto app = wizard();
  for (int i = 0; i < 6; ++i) app.key({KeyKind::function, {}, 4});
  press(app, KeyKind::down, 5);
  for (int i = 0; i < 2; ++i) {
    type(app, "secret");
    press(app, KeyKind::down);
  }
  app.key({KeyKind::function, {}, 4});
  EXPECT_EQ(app.wizard()->at(), WizardPage::summary);
  return app;
}

}  // namespace loam::console
