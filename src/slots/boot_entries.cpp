#include "slots/boot_entries.hpp"

#include <algorithm>
#include <charconv>

#include "slots/version.hpp"

namespace loam::slots {

namespace {

std::optional<int> whole_count(std::string_view digits) {
  int value = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (problem != std::errc{} || end != digits.data() + digits.size() || value < 0) return std::nullopt;
  return value;
}

}  // namespace

std::optional<BootEntry> parse_boot_entry(std::string_view file_name) {
  constexpr std::string_view prefix = "loam-";
  constexpr std::string_view suffix = ".efi";
  if (!file_name.starts_with(prefix) || !file_name.ends_with(suffix) ||
      file_name.size() <= prefix.size() + suffix.size())
    return std::nullopt;
  const auto name = file_name.substr(prefix.size(), file_name.size() - prefix.size() - suffix.size());
  const auto plus = name.rfind('+');
  if (plus == name.npos) return BootEntry{.version = std::string(name), .tries_left = std::nullopt, .tries_done = 0};
  const auto counter = name.substr(plus + 1);
  const auto dash = counter.find('-');
  const auto left = whole_count(counter.substr(0, dash));
  const auto done = dash == counter.npos ? std::optional(0) : whole_count(counter.substr(dash + 1));
  if (!left || !done) return std::nullopt;
  return BootEntry{.version = std::string(name.substr(0, plus)), .tries_left = left, .tries_done = *done};
}

bool takes_over(const BootEntry& entry, std::string_view running) {
  const auto order = compare_versions(entry.version, std::string(running));
  return order != 0 && (entry.can_boot() || (entry.retired() && order > 0));
}

std::vector<BootEntry> boot_entries(const std::vector<std::string>& file_names) {
  std::vector<BootEntry> entries;
  for (const auto& name : file_names)
    if (auto entry = parse_boot_entry(name)) entries.push_back(*std::move(entry));
  // As versions, which are no words: 0.10 is newer than 0.9.
  std::ranges::sort(entries, [](const BootEntry& a, const BootEntry& b) {
    const auto order = compare_versions(a.version, b.version);
    return order > 0 || (order == 0 && !a.tries_left && b.tries_left.has_value());
  });
  return entries;
}

}  // namespace loam::slots
