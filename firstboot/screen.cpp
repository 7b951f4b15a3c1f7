#include "screen.hpp"

#include <format>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/text.hpp"
#include "node_text.hpp"

namespace loam::console {

namespace {

// One less than the smallest terminal has: the last line's end would scroll the first one away.
constexpr std::size_t max_lines = 23;

std::vector<std::string> wrap(std::string_view text, std::size_t width, std::size_t indent) {
  std::vector<std::string> lines;
  std::string line;
  for (const auto word : split(text, ' ')) {
    if (!line.empty() && line.size() + 1 + word.size() > width)
      lines.push_back(std::exchange(line, std::string(indent, ' ')));
    if (!trim(line).empty()) line += ' ';
    line += word;
    while (line.size() > width) {
      lines.push_back(line.substr(0, width));
      line = std::string(indent, ' ') + line.substr(width);
    }
  }
  lines.push_back(line);
  return lines;
}

std::string addresses(const std::string& links) {
  const auto document = nlohmann::json::parse(links, nullptr, false);
  const auto list = document.is_object() ? document.value("links", nlohmann::json::array()) : nlohmann::json::array();
  std::string text;
  if (!list.is_array()) return text;
  for (const auto& link : list)
    for (const auto& address : link.at("addresses"))
      if (const auto value = address.get<std::string>(); !value.starts_with("fe80:"))
        text += std::format("  {} {}", link.value("name", ""), value);
  return text;
}

class Screen {
 public:
  explicit Screen(std::size_t width) : width_(width) {}
  void add(std::string_view text, std::size_t indent = 0) {
    for (const auto paragraph : split(text, '\n'))
      for (auto& line : wrap(paragraph, width_, indent)) lines_.push_back(std::move(line));
  }
  std::string text() const {
    const bool more = lines_.size() > max_lines;
    std::string all;
    for (std::size_t i = 0; i < lines_.size() && i < max_lines - (more ? 1U : 0U); ++i) all += lines_[i] + "\r\n";
    return more ? all + "... more: loamctl status\r\n" : all;
  }

 private:
  std::size_t width_;
  std::vector<std::string> lines_;
};

}  // namespace

std::string render(const Facts& facts, int columns) {
  Screen screen(static_cast<std::size_t>(columns) - 1);
  const auto& view = facts.view;
  if (!facts.problem.empty()) {
    screen.add(std::format("Loam on {}", facts.hostname));
    screen.add("!! " + facts.problem, 3);
    return screen.text();
  }
  screen.add(std::format("Loam {} on {}: {}", view.version, facts.hostname, view.state));
  screen.add("");
  for (const auto& condition : view.conditions) {
    const auto* const mark = condition.status == "true" ? "ok" : condition.status == "false" ? "!!" : "..";
    screen.add(std::format(" {} {}: {}", mark, condition.type, condition.message), 4);
  }
  if (const auto progress = node::progress_text(view.progress); !progress.empty()) screen.add(" >> " + progress, 4);
  screen.add("");
  const auto reach = addresses(facts.links);
  screen.add(reach.empty() ? "No network address yet." : "Addresses:" + reach, 2);
  return screen.text();
}

}  // namespace loam::console
