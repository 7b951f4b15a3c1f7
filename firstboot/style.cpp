#include "style.hpp"

#include <algorithm>

#include <ftxui/screen/string.hpp>

#include "base/text.hpp"

namespace loam::console {

using namespace ftxui;

std::pair<std::string, std::string> split_at(const std::string& text, std::size_t cells) {
  const auto glyphs = Utf8ToGlyphs(text);
  std::string first;
  std::string rest;
  for (std::size_t i = 0; i < glyphs.size(); ++i) (i < cells ? first : rest) += glyphs[i];
  return {first, rest};
}

std::vector<std::string> wrapped(std::string_view text, int columns, std::size_t indent) {
  const auto width = static_cast<std::size_t>(std::max(columns, 10));
  std::vector<std::string> lines;
  std::string line;
  bool begun = false;
  const auto next_line = [&] {
    lines.push_back(line);
    line = std::string(indent, ' ');
    begun = false;
  };
  for (const auto word : split(text, ' ')) {
    if (word.empty()) continue;
    if (begun &&
        static_cast<std::size_t>(string_width(line)) + 1 + static_cast<std::size_t>(string_width(std::string(word))) >
            width)
      next_line();
    if (begun) line += ' ';
    line += word;
    begun = true;
    while (static_cast<std::size_t>(string_width(line)) > width) {
      auto [first, rest] = split_at(line, width);
      lines.push_back(first);
      line = std::string(indent, ' ') + rest;
    }
  }
  lines.push_back(line);
  return lines;
}

Element warning(Element element) { return bold(color(Color::Red, std::move(element))); }

Element good(Element element) { return color(Color::Green, std::move(element)); }

Element page(const std::string& title, const std::string& right, Element content, const std::string& keys) {
  return vbox({hbox({text(title) | bold, filler(), text(right)}) | inverted, vbox({std::move(content)}) | yframe | flex,
               hbox({text(keys), filler()}) | inverted});
}

}  // namespace loam::console
