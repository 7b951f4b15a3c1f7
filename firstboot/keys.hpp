// What comes from a terminal as keys. Pure. Format: ECMA-48 control sequences as xterm, Linux' console, BMCs and
// serial terminals send them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace loam::console {

enum class KeyKind : std::uint8_t {
  text,  // one character, which can be seen
  enter,
  escape,
  tab,
  back_tab,
  backspace,
  del,
  up,
  down,
  left,
  right,
  home,
  end,
  page_up,
  page_down,
  function,  // F1 to F12: number
  control,   // Ctrl with a letter: text holds it, in lower case
};

struct Key {
  KeyKind kind = KeyKind::text;
  std::string text;
  int number = 0;
  bool operator==(const Key&) const = default;
};

// The size that a terminal says it has, asked by ask_size.
struct TerminalSize {
  int columns = 0;
  int rows = 0;
  bool operator==(const TerminalSize&) const = default;
};

// Puts the cursor where no terminal ends, asks where it is, and puts it back: serial lines have no other way.
inline constexpr std::string_view ask_size = "\x1b[s\x1b[999;999H\x1b[6n\x1b[u";

class KeyParser {
 public:
  // Keys that are complete. What is not may be completed by the next call.
  std::vector<Key> take(std::string_view bytes);
  // Nothing came for a while: an escape that stands alone was the key.
  std::vector<Key> flush();
  bool waiting() const { return !held_.empty(); }
  // Once, what the terminal answered to ask_size.
  std::optional<TerminalSize> take_size() { return std::exchange(size_, std::nullopt); }

 private:
  std::size_t one(std::string_view bytes, std::vector<Key>& keys);
  std::size_t sequence(std::string_view bytes, std::vector<Key>& keys);

  std::string held_;
  bool returned_ = false;  // the last byte was a carriage return
  std::optional<TerminalSize> size_;
};

}  // namespace loam::console
