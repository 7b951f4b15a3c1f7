#include "slots/pem.hpp"

#include <mbedtls/base64.h>

#include <format>

#include "base/text.hpp"

namespace loam::slots {

namespace {

constexpr std::string_view begin_mark = "-----BEGIN ";
constexpr std::string_view end_mark = "-----END ";
constexpr std::string_view dashes = "-----";
constexpr std::size_t line_length = 64;

std::string encode(std::span<const std::byte> data) {
  std::string text((data.size() + 2) / 3 * 4 + 1, '\0');
  std::size_t length = 0;
  mbedtls_base64_encode(reinterpret_cast<unsigned char*>(text.data()), text.size(), &length,
                        reinterpret_cast<const unsigned char*>(data.data()), data.size());
  text.resize(length);
  return text;
}

// There is one text for each data: bits that mean nothing must not differ.
Result<std::vector<std::byte>> decode(const std::string& text) {
  std::vector<std::byte> data(text.size());
  std::size_t length = 0;
  if (mbedtls_base64_decode(reinterpret_cast<unsigned char*>(data.data()), data.size(), &length,
                            reinterpret_cast<const unsigned char*>(text.data()), text.size()) != 0)
    return fail("PEM: a block is no base64");
  data.resize(length);
  if (encode(data) != text) return fail("PEM: a block is not encoded in the one right way");
  return data;
}

std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  auto line = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return trim(line);
}

Result<PemBlock> take_block(std::string_view first, std::string_view& text) {
  if (!first.starts_with(begin_mark) || !first.ends_with(dashes) || first.size() < begin_mark.size() + dashes.size())
    return fail(std::format("PEM: \"{}\" is not the beginning of a block", printable(first, 60)));
  first.remove_prefix(begin_mark.size());
  first.remove_suffix(dashes.size());
  PemBlock block{.label = std::string(first), .data = {}};
  const auto last = std::format("{}{}{}", end_mark, first, dashes);
  std::string base64;
  while (!text.empty()) {
    const auto line = take_line(text);
    if (line == last) {
      LOAM_TRY(block.data, decode(base64));
      return block;
    }
    base64 += line;
  }
  return fail(std::format("PEM: the block \"{}\" has no end", printable(first, 60)));
}

}  // namespace

Result<std::vector<PemBlock>> parse_pem(std::string_view text) {
  std::vector<PemBlock> blocks;
  while (!text.empty()) {
    const auto line = take_line(text);
    if (line.empty()) continue;
    LOAM_TRY(auto block, take_block(line, text));
    blocks.push_back(std::move(block));
  }
  if (blocks.empty()) return fail("PEM: there is no block");
  return blocks;
}

std::string to_pem(std::string_view label, std::span<const std::byte> data) {
  const auto base64 = encode(data);
  auto text = std::format("{}{}{}\n", begin_mark, label, dashes);
  for (std::size_t at = 0; at < base64.size(); at += line_length) text += base64.substr(at, line_length) + "\n";
  return text + std::format("{}{}{}\n", end_mark, label, dashes);
}

}  // namespace loam::slots
