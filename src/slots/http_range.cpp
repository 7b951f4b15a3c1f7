#include "slots/http_range.hpp"

#include <charconv>
#include <format>

#include "base/text.hpp"

namespace loam::slots {

namespace {

bool take_number(std::string_view& text, char behind, std::uint64_t& number) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto length = static_cast<std::size_t>(end - text.data());
  if (problem != std::errc{} || (behind != '\0' && (length == text.size() || *end != behind))) return false;
  text.remove_prefix(behind == '\0' ? length : length + 1);
  return true;
}

}  // namespace

Result<ContentRange> parse_content_range(std::string_view value) {
  constexpr std::string_view unit = "bytes ";
  auto text = trim(value);
  ContentRange range;
  const bool read = lower(std::string(text.substr(0, unit.size()))) == unit &&
                    (text.remove_prefix(unit.size()), true) && take_number(text, '-', range.first) &&
                    take_number(text, '/', range.last) && take_number(text, '\0', range.total) && text.empty();
  if (read && range.first <= range.last && range.last < range.total) return range;
  return fail(std::format(R"(Content-Range is "{}", expected "bytes FIRST-LAST/TOTAL")", printable(value, 80)));
}

}  // namespace loam::slots
