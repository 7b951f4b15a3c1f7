#include "cluster/watch_stream.hpp"

#include <algorithm>
#include <array>
#include <format>
#include <utility>

#include "base/text.hpp"

namespace loam::cluster {

using nlohmann::json;

namespace {

// In the order of WatchEvent::Type.
constexpr std::array<std::string_view, 5> types = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"};

}  // namespace

Result<WatchEvent> parse_watch_event(std::string_view line) {
  auto value = json::parse(line, nullptr, false);
  const auto bad = [](std::string_view why) { return fail(std::format("a watch event that cannot be read: {}", why)); };
  if (!value.is_object()) return bad("it is no JSON object");
  const auto type = value.find("type");
  const auto object = value.find("object");
  if (type == value.end() || !type->is_string()) return bad("it has no type");
  if (object == value.end() || !object->is_object()) return bad("it has no object");
  const auto known = std::ranges::find(types, type->get_ref<const std::string&>());
  if (known == types.end()) return bad("its type is " + printable(type->get_ref<const std::string&>(), 40));
  return WatchEvent{.type = static_cast<WatchEvent::Type>(known - types.begin()), .object = std::move(*object)};
}

Result<bool> WatchStream::feed(std::string_view bytes, const Take& take) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const auto part = bytes.substr(0, end);
    if (part.size() > longest_ - held_.size())
      return fail(std::format("a watch event of more than {}; it was not read", format_bytes(longest_)));
    held_ += part;
    if (end == bytes.npos) return true;
    bytes.remove_prefix(end + 1);
    const auto line = std::exchange(held_, {});
    if (trim(line).empty()) continue;
    LOAM_TRY(auto event, parse_watch_event(line));
    if (!take(std::move(event))) return false;
  }
  return true;
}

}  // namespace loam::cluster
