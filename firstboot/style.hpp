// How things look on every page. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <ftxui/dom/elements.hpp>

namespace loam::console {

// Lines of at most `columns`, broken between words; those behind the first begin with `indent` blanks.
std::vector<std::string> wrapped(std::string_view text, int columns, std::size_t indent);

ftxui::Element warning(ftxui::Element element);
ftxui::Element good(ftxui::Element element);

// Title above, keys below, the content between, scrolled to what has the keys.
ftxui::Element page(const std::string& title, const std::string& right, ftxui::Element content,
                    const std::string& keys);

}  // namespace loam::console
