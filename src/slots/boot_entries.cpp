#include "slots/boot_entries.hpp"

#include <algorithm>
#include <charconv>

#include "slots/version.hpp"

namespace loam::slots {

std::optional<BootEntry> parse_boot_entry(std::string_view file_name) {
  constexpr std::string_view prefix = "loam-";
  constexpr std::string_view suffix = ".efi";
  if (!file_name.starts_with(prefix) || !file_name.ends_with(suffix) ||
      file_name.size() <= prefix.size() + suffix.size())
    return std::nullopt;
  const auto name = file_name.substr(prefix.size(), file_name.size() - prefix.size() - suffix.size());
  const auto plus = name.rfind('+');
  if (plus == name.npos) return BootEntry{.version = std::string(name), .tries_left = std::nullopt};
  int left = 0;
  const auto digits = name.substr(plus + 1);
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), left);
  const bool whole = end == digits.data() + digits.size() || *end == '-';
  if (problem != std::errc{} || !whole || left < 0) return std::nullopt;
  return BootEntry{.version = std::string(name.substr(0, plus)), .tries_left = left};
}

std::vector<BootEntry> boot_entries(const std::vector<std::string>& file_names) {
  std::vector<BootEntry> entries;
  for (const auto& name : file_names)
    if (auto entry = parse_boot_entry(name)) entries.push_back(*std::move(entry));
  // As versions, which are no words: 0.10 is newer than 0.9.
  std::ranges::sort(entries,
                    [](const BootEntry& a, const BootEntry& b) { return compare_versions(a.version, b.version) > 0; });
  return entries;
}

}  // namespace loam::slots
