#include "model/section.hpp"

#include <array>
#include <utility>

#include "base/text.hpp"
#include "model/parse.hpp"

namespace loam::model {

namespace {

constexpr std::string_view key = "network:";

// A line that begins a section.
bool is_key(std::string_view line) { return !line.empty() && !std::string_view(" -#\r\t").contains(line[0]); }
// Blank, or a comment at the margin: it belongs to what comes after it.
bool belongs_after(std::string_view line) { return trim(line).empty() || line[0] == '#'; }

// The lines without the section, and where it was; at the end if there was none.
std::string replaced(std::string_view text, const std::string& section) {
  std::array<std::string, 3> parts;  // before it, itself, behind it
  std::size_t at = 0;
  std::string held;  // of lines that belong to what comes
  for (const auto line : split(text.ends_with('\n') ? text.substr(0, text.size() - 1) : text, '\n')) {
    if (belongs_after(line)) {
      held += std::string(line) + "\n";
      continue;
    }
    if (at == 1 && is_key(line)) at = 2;
    // A comment before the section is not of its content.
    if (at == 0 && line.starts_with(key)) {
      parts[0] += std::exchange(held, {});
      at = 1;
    }
    parts.at(at) += std::exchange(held, {}) + std::string(line) + "\n";
  }
  return parts[0] + section + parts[2] + held;
}

std::string section_of(const Network& network) {
  Config only;
  only.network = network;
  const auto text = format_config(only);
  const auto at = text.find(std::string("\n") + std::string(key));
  return at == text.npos ? "" : text.substr(at + 1);
}

}  // namespace

std::string with_network(std::string_view text, const Config& with) {
  auto kept = replaced(text, section_of(with.network));
  const auto meant = parse_config(kept, "loam.yaml");
  return meant && *meant == with ? kept : format_config(with);
}

}  // namespace loam::model
