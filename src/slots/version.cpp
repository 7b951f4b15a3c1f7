#include "slots/version.hpp"

#include <algorithm>

namespace loam::slots {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool counts(char c) { return is_digit(c) || is_letter(c) || c == '~' || c == '-' || c == '^' || c == '.'; }

std::string_view take_while(std::string_view& text, bool (*wanted)(char)) {
  const auto end = std::ranges::find_if_not(text, wanted) - text.begin();
  const auto taken = text.substr(0, static_cast<std::size_t>(end));
  text.remove_prefix(taken.size());
  return taken;
}

// The separator is what makes a version older: it goes before whatever the other has there.
std::strong_ordering separator(std::string_view& a, std::string_view& b, char which) {
  const bool in_a = a.starts_with(which);
  const bool in_b = b.starts_with(which);
  if (in_a != in_b) return in_a ? std::strong_ordering::less : std::strong_ordering::greater;
  if (in_a) {
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  return std::strong_ordering::equal;
}

std::strong_ordering numbers(std::string_view& a, std::string_view& b) {
  const auto in_a = take_while(a, is_digit);
  const auto in_b = take_while(b, is_digit);
  if (in_a.empty() != in_b.empty()) return in_b.empty() <=> in_a.empty();
  const auto bare = [](std::string_view digits) {
    digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
    return digits;
  };
  const auto [x, y] = std::pair(bare(in_a), bare(in_b));
  if (x.size() != y.size()) return x.size() <=> y.size();
  return x <=> y;
}

}  // namespace

bool is_version(std::string_view text) {
  const auto fits = [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || c == '.' || c == '~' || c == '^' || c == '-';
  };
  return !text.empty() && text.size() <= 64 && is_digit(text.front()) && std::ranges::all_of(text, fits);
}

std::strong_ordering compare_versions(std::string_view a, std::string_view b) {
  while (true) {
    take_while(a, [](char c) { return !counts(c); });
    take_while(b, [](char c) { return !counts(c); });
    if (const auto order = separator(a, b, '~'); order != 0) return order;
    if (a.empty() || b.empty()) return b.empty() <=> a.empty();
    for (const char which : {'-', '^', '.'})
      if (const auto order = separator(a, b, which); order != 0) return order;
    const bool digits = (!a.empty() && is_digit(a.front())) || (!b.empty() && is_digit(b.front()));
    const auto order = digits ? numbers(a, b) : take_while(a, is_letter) <=> take_while(b, is_letter);
    if (order != 0) return order;
  }
}

}  // namespace loam::slots
