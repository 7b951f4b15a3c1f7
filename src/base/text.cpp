#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <format>
#include <numeric>

namespace loam {

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  std::string all;
  for (const auto& part : parts) {
    if (!all.empty()) all += separator;
    all += part;
  }
  return all;
}

std::string format_bytes(std::uint64_t bytes) {
  constexpr std::array units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  if (unit == 0 || value >= 100) return std::format("{:.0f} {}", value, units.at(unit));
  return std::format("{:.1f} {}", value, units.at(unit));
}

std::string format_speed(std::int64_t megabits) {
  return megabits >= 1000 && megabits % 500 == 0 ? std::format("{:g} Gb/s", static_cast<double>(megabits) / 1000)
                                                 : std::format("{} Mb/s", megabits);
}

std::string format_seconds(std::uint64_t seconds) {
  if (seconds < 60) return std::format("{} s", seconds);
  if (seconds < 3600) return std::format("{} min {} s", seconds / 60, seconds % 60);
  return std::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
}

namespace {

// Factor of a unit, 0 if there is no such unit.
double unit_factor(std::string_view unit) {
  if (unit.empty() || unit == "B") return 1;
  constexpr std::string_view letters = "KMGTP";
  const auto power = letters.find(unit.front());
  if (power == std::string_view::npos) return 0;
  const auto rest = unit.substr(1);
  const double base = rest == "B" ? 1000 : 1024;
  if (!rest.empty() && rest != "B" && rest != "iB") return 0;
  return std::pow(base, static_cast<double>(power + 1));
}

}  // namespace

Result<std::uint64_t> parse_bytes(std::string_view text) {
  double value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  const auto unit = trim(text.substr(static_cast<std::size_t>(end - text.data())));
  const auto factor = unit_factor(unit);
  const auto bytes = value * factor;
  if (problem != std::errc{} || factor == 0 || value < 0 || !std::isfinite(bytes) || bytes >= 9.0e18)
    return fail(std::format("expected a size such as 4K, 100G, 1.5T or 500GB, found \"{}\"", printable(text, 40)));
  return static_cast<std::uint64_t>(bytes);
}

std::uint64_t leading_number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string to_hex(std::span<const std::byte> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const auto byte : bytes) {
    text += digits[std::to_integer<std::size_t>(byte >> 4)];
    text += digits[std::to_integer<std::size_t>(byte & std::byte{15})];
  }
  return text;
}

Result<std::vector<std::byte>> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return fail("a hexadecimal text has an odd number of digits");
  std::vector<std::byte> bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t at = 0; at < text.size(); at += 2) {
    unsigned value = 0;
    const auto* const first = text.data() + at;
    const auto [end, problem] = std::from_chars(first, first + 2, value, 16);
    if (problem != std::errc{} || end != first + 2)
      return fail(std::format("\"{}\" is not hexadecimal", printable(text, 80)));
    bytes.push_back(static_cast<std::byte>(value));
  }
  return bytes;
}

std::string without_hex_escapes(std::string_view text) {
  constexpr std::string_view mark = "\\x";
  std::string plain;
  while (true) {
    const auto at = text.find(mark);
    plain += text.substr(0, at);
    if (at == std::string_view::npos) return plain;
    text.remove_prefix(at + mark.size());
    if (const auto byte = from_hex(text.substr(0, 2)); byte && byte->size() == 1) {
      plain += static_cast<char>(byte->front());
      text.remove_prefix(2);
    } else {
      plain += mark;
    }
  }
}

namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::ranges::iota(row, std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto replaced = diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

}  // namespace

std::optional<std::string> closest(std::string_view word, std::span<const std::string> candidates) {
  if (word.size() > 64) return std::nullopt;
  std::optional<std::string> best;
  auto best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const auto& candidate : candidates) {
    const auto distance = edit_distance(word, candidate);
    if (distance < best_distance && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

bool glob_match(std::string_view pattern, std::string_view text) {
  const auto same = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
  };
  std::size_t p = 0;
  std::size_t t = 0;
  auto star = std::string_view::npos;
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || same(pattern[p], text[t]))) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::size_t utf8_length(std::string_view text) {
  if (text.empty()) return 0;
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xc2 ? 0
                             : first < 0xe0 ? 2
                             : first < 0xf0 ? 3
                             : first < 0xf5 ? 4
                                            : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xc0U) != 0x80) return 0;
  const auto second = length > 1 ? static_cast<unsigned char>(text[1]) : 0;
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool outside = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
  return overlong || outside ? 0 : length;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string without_userinfo(std::string_view url) {
  const auto scheme_end = url.find("://");
  const auto scheme = scheme_end == url.npos ? std::string_view() : url.substr(0, scheme_end + 3);
  const auto rest = url.substr(scheme.size());
  const auto at = rest.find('@');
  // A path may have an "@" too. In doubt it is a password: too little is shown rather than too much.
  const bool in_path = rest.find('/') < at && rest.find(':') > rest.find('/');
  if (at == rest.npos || in_path) return std::string(url);
  return std::string(scheme) + std::string(rest.substr(at + 1));
}

std::string printable(std::string_view text, std::size_t limit) {
  std::string safe;
  while (!text.empty()) {
    const auto length = utf8_length(text);
    if (safe.size() + std::max<std::size_t>(length, 1) > limit) return safe + "...";
    const bool control = length == 1 && (static_cast<unsigned char>(text.front()) < 0x20 || text.front() == 0x7f);
    safe += length == 0 || control ? "?" : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return safe;
}

}  // namespace loam
