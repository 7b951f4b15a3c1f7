#include "base/base64.hpp"

#include <cstdint>

namespace loam {

namespace {

constexpr std::string_view usual = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view for_urls = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encode(std::string_view bytes, std::string_view alphabet) {
  std::string text;
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const auto byte : bytes) {
    bits = bits << 8U | static_cast<unsigned char>(byte);
    for (held += 8; held >= 6; held -= 6) text += alphabet[bits >> (held - 6) & 63U];
  }
  if (held > 0) text += alphabet[bits << (6 - held) & 63U];
  return text;
}

}  // namespace

std::string to_base64(std::string_view bytes) {
  auto text = encode(bytes, usual);
  text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

std::string to_base64url(std::string_view bytes) { return encode(bytes, for_urls); }

namespace {

Result<std::string> decode(std::string_view text, std::string_view alphabet) {
  std::string bytes;
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const auto c : text) {
    const auto value = alphabet.find(c);
    if (value == alphabet.npos) return fail("it has a character that does not belong there");
    bits = bits << 6U | static_cast<std::uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes += static_cast<char>(bits >> held & 255U);
  }
  if (held >= 6 || (bits & ((1U << held) - 1)) != 0) return fail("it is cut off");
  return bytes;
}

}  // namespace

Result<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return fail("it is cut off");
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  return decode(text, usual);
}

Result<std::string> from_base64url(std::string_view text) { return decode(text, for_urls); }

}  // namespace loam
