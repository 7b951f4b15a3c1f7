// How things look on every page. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ftxui/dom/elements.hpp>

namespace loam::console {

// Lines of at most `columns`, broken between words; those behind the first begin with `indent` blanks.
std::vector<std::string> wrapped(std::string_view text, int columns, std::size_t indent);

// The first cells of a text, and what is behind them; no letter is cut in two.
std::pair<std::string, std::string> split_at(const std::string& text, std::size_t cells);

ftxui::Element warning(ftxui::Element element);
ftxui::Element good(ftxui::Element element);

// Title above, keys below, the content between, scrolled to what has the keys.
ftxui::Element page(const std::string& title, const std::string& right, ftxui::Element content,
                    const std::string& keys);

}  // namespace loam::console
