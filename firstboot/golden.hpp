// A user at a terminal, for tests: keys, and pictures held against golden/.
#pragma once

#include <string>
#include <string_view>

#include "app.hpp"

namespace loam::console {

std::string plain(const ftxui::Screen& screen);
// At the smallest terminal and at a larger one.
void expect_golden(const App& app, const std::string& name);
void press(App& app, KeyKind kind, int times = 1);
void type(App& app, std::string_view text);
// On its first page, and on its last with good answers.
App wizard();
App at_the_summary();

}  // namespace loam::console
