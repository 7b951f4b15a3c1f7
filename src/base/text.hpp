// Small pure functions on text: splitting, sizes, "did you mean".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace loam {

std::string lower(std::string text);  // ASCII
std::string_view trim(std::string_view text);
std::vector<std::string_view> split(std::string_view text, char separator);
std::string join(std::span<const std::string> parts, std::string_view separator);

// "4.0 GiB": three digits at most, binary units, for people.
std::string format_bytes(std::uint64_t bytes);
// Megabits per second as NICs are sold: "25 Gb/s", "100 Mb/s".
std::string format_speed(std::int64_t megabits);
// "3 min 20 s", for people.
std::string format_seconds(std::uint64_t seconds);
// "512", "4K", "100G", "1.5T", "2GiB" (binary) and "500GB" (decimal, as disks are sold), in bytes.
Result<std::uint64_t> parse_bytes(std::string_view text);

// The decimal digits at the start of a text; 0 if there are none.
std::uint64_t leading_number(std::string_view text);

std::string to_hex(std::span<const std::byte> bytes);
Result<std::vector<std::byte>> from_hex(std::string_view text);
// "QEMU\x20HARDDISK" as "QEMU HARDDISK"; what is no such escape stays.
std::string without_hex_escapes(std::string_view text);

// The candidate that a person most likely meant, if any is near enough.
std::optional<std::string> closest(std::string_view word, std::span<const std::string> candidates);

// Shell-style pattern with * and ?, over the whole text, letter case ignored.
bool glob_match(std::string_view pattern, std::string_view text);

// Length in bytes of the well-formed UTF-8 sequence at the start of a text, 0 if there is none (RFC 3629).
std::size_t utf8_length(std::string_view text);

bool is_utf8(std::string_view text);

// Text from outside made safe for a terminal, a log line and D-Bus: control characters and what is no UTF-8 become '?'.
// limit: bytes; longer text ends in "...".
std::string printable(std::string_view text, std::size_t limit = 200);

// A URL without the user name and password in it, for everything that is shown.
std::string without_userinfo(std::string_view url);

}  // namespace loam
