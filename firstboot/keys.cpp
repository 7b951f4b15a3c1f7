#include "keys.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hpp"

namespace loam::console {

namespace {

// Nobody's sequence is longer: what is, is not one.
constexpr std::size_t longest_sequence = 32;
constexpr char escape_byte = '\x1b';

struct Named {
  std::string_view sequence;  // behind the escape
  KeyKind kind;
  int number;
};

constexpr std::array<Named, 47> named = {{
    {"[A", KeyKind::up, 0},          {"[B", KeyKind::down, 0},        {"[C", KeyKind::right, 0},
    {"[D", KeyKind::left, 0},        {"OA", KeyKind::up, 0},          {"OB", KeyKind::down, 0},
    {"OC", KeyKind::right, 0},       {"OD", KeyKind::left, 0},        {"[H", KeyKind::home, 0},
    {"[F", KeyKind::end, 0},         {"OH", KeyKind::home, 0},        {"OF", KeyKind::end, 0},
    {"[1~", KeyKind::home, 0},       {"[4~", KeyKind::end, 0},        {"[7~", KeyKind::home, 0},
    {"[8~", KeyKind::end, 0},        {"[3~", KeyKind::del, 0},        {"[5~", KeyKind::page_up, 0},
    {"[6~", KeyKind::page_down, 0},  {"[Z", KeyKind::back_tab, 0},    {"OP", KeyKind::function, 1},
    {"OQ", KeyKind::function, 2},    {"OR", KeyKind::function, 3},    {"OS", KeyKind::function, 4},
    {"[11~", KeyKind::function, 1},  {"[12~", KeyKind::function, 2},  {"[13~", KeyKind::function, 3},
    {"[14~", KeyKind::function, 4},  {"[15~", KeyKind::function, 5},  {"[17~", KeyKind::function, 6},
    {"[18~", KeyKind::function, 7},  {"[19~", KeyKind::function, 8},  {"[20~", KeyKind::function, 9},
    {"[21~", KeyKind::function, 10}, {"[23~", KeyKind::function, 11}, {"[24~", KeyKind::function, 12},
    {"[[A", KeyKind::function, 1},   {"[[B", KeyKind::function, 2},   {"[[C", KeyKind::function, 3},
    {"[[D", KeyKind::function, 4},   {"[[E", KeyKind::function, 5},   {"[L", KeyKind::home, 0},
    {"[2~", KeyKind::function, 0},   {"Ow", KeyKind::home, 0},        {"Ox", KeyKind::up, 0},
    {"Or", KeyKind::down, 0},        {"Oq", KeyKind::end, 0},
}};

bool is_final(char byte) { return byte >= 0x40 && byte <= 0x7e; }

// Bytes of a control sequence that begins with an escape; 0: it is not complete.
std::size_t sequence_length(std::string_view bytes) {
  if (bytes.size() < 2) return 0;
  if (bytes[1] == 'O') return bytes.size() < 3 ? 0 : 3;
  if (bytes[1] != '[') return 1;  // the escape key, and then something
  // Linux' console sends F1 to F5 with a second bracket.
  std::size_t at = bytes.size() > 2 && bytes[2] == '[' ? 3 : 2;
  while (at < bytes.size() && at < longest_sequence && !is_final(bytes[at])) ++at;
  if (at >= longest_sequence) return 1;
  return at < bytes.size() ? at + 1 : 0;
}

std::size_t utf8_length(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return 2;
  if (first >= 0xe0 && first < 0xf0) return 3;
  return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

// "[24;80R", as an answer to ask_size.
std::optional<TerminalSize> size_of(std::string_view sequence) {
  if (!sequence.starts_with('[') || !sequence.ends_with('R')) return std::nullopt;
  const auto numbers = split(sequence.substr(1, sequence.size() - 2), ';');
  if (numbers.size() != 2) return std::nullopt;
  const auto rows = leading_number(numbers[0]);
  const auto columns = leading_number(numbers[1]);
  // Less is another key's sequence, as xterm's Ctrl-F3.
  constexpr std::uint64_t least = 10;
  constexpr std::uint64_t most = 1000;
  if (rows < least || columns < 2 * least || rows > most || columns > most) return std::nullopt;
  return TerminalSize{.columns = static_cast<int>(columns), .rows = static_cast<int>(rows)};
}

std::optional<Key> control_key(unsigned char byte) {
  switch (byte) {
    case '\r':
    case '\n': return Key{KeyKind::enter, {}, 0};
    case '\t': return Key{KeyKind::tab, {}, 0};
    case 0x08:
    case 0x7f: return Key{KeyKind::backspace, {}, 0};
    default: break;
  }
  if (byte >= 1 && byte <= 26) return Key{KeyKind::control, std::string(1, static_cast<char>('a' + byte - 1)), 0};
  return std::nullopt;
}

}  // namespace

// Bytes that were used; 0: more are needed.
std::size_t KeyParser::sequence(std::string_view bytes, std::vector<Key>& keys) {
  const auto length = sequence_length(bytes);
  if (length == 0) return 0;
  if (length == 1) {
    keys.push_back({KeyKind::escape, {}, 0});
    return 1;
  }
  const auto text = bytes.substr(1, length - 1);
  if (const auto size = size_of(text)) {
    size_ = size;
  } else if (const auto* const found = std::ranges::find(named, text, &Named::sequence);
             found != named.end() && (found->kind != KeyKind::function || found->number > 0)) {
    keys.push_back({found->kind, {}, found->number});
  }
  return length;  // what is not known is nobody's key
}

std::size_t KeyParser::one(std::string_view bytes, std::vector<Key>& keys) {
  // Some terminals send both for Enter: that is one key, also when it comes in two pieces.
  if (std::exchange(returned_, bytes[0] == '\r') && bytes[0] == '\n') return 1;
  if (bytes[0] == escape_byte) return sequence(bytes, keys);
  const auto first = static_cast<unsigned char>(bytes[0]);
  if (first < 0x20 || first == 0x7f) {
    if (auto key = control_key(first)) keys.push_back(*std::move(key));
    return 1;
  }
  const auto length = utf8_length(first);
  if (length == 0) return 1;
  if (bytes.size() < length) return 0;
  const auto text = bytes.substr(0, length);
  if (!std::ranges::all_of(text.substr(1), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U; }))
    return 1;
  keys.push_back({KeyKind::text, std::string(text), 0});
  return length;
}

std::vector<Key> KeyParser::take(std::string_view bytes) {
  held_ += bytes;
  std::vector<Key> keys;
  std::size_t at = 0;
  while (at < held_.size()) {
    const auto used = one(std::string_view(held_).substr(at), keys);
    if (used == 0) break;
    at += used;
  }
  held_.erase(0, at);
  return keys;
}

std::vector<Key> KeyParser::flush() {
  std::vector<Key> keys;
  if (held_.starts_with(escape_byte)) keys.push_back({KeyKind::escape, {}, 0});
  const auto rest = std::exchange(held_, {});
  // Behind a lone escape, what came with it is what was typed.
  if (rest.size() > 1 && rest[0] == escape_byte)
    for (auto& key : take(std::string_view(rest).substr(1))) keys.push_back(std::move(key));
  held_.clear();
  return keys;
}

}  // namespace loam::console
