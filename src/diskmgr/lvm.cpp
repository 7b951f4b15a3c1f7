#include "diskmgr/lvm.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <format>
#include <nlohmann/json.hpp>

#include "base/byte_reader.hpp"
#include "base/text.hpp"
#include "base/whole_number.hpp"

namespace loam::diskmgr {

namespace {

using nlohmann::json;

constexpr std::size_t sector = 512;
constexpr std::string_view area_magic = " LVM2 x[5A%r0N*>";

// CRC-32 as LVM counts it: with a start of its own and not inverted at the end.
std::uint32_t checksum(std::span<const std::byte> data) {
  std::uint32_t crc = 0xF597A6CF;
  for (const auto byte : data) {
    crc ^= std::to_integer<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
  }
  return crc;
}

// 32 characters on the disk, 38 in text: "abcdef-ghij-klmn-opqr-stuv-wxyz-012345".
std::string with_hyphens(std::string_view raw) {
  std::string text;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (i >= 6 && i < 30 && (i - 6) % 4 == 0) text += '-';
    text += raw[i];
  }
  return text;
}

// Pairs of numbers, ended by one with the offset 0.
std::vector<Extent> read_areas(ByteReader& reader) {
  std::vector<Extent> areas;
  while (!reader.failed()) {
    const Extent area{reader.number<std::uint64_t>(), reader.number<std::uint64_t>()};
    if (area.offset == 0) break;
    areas.push_back(area);
  }
  return areas;
}

Result<LvmLabel> parse_label_sector(std::span<const std::byte> block) {
  ByteReader header(block);
  header.take(16);  // magic and the sector's number
  if (header.number<std::uint32_t>() != checksum(block.subspan(20)))
    return fail("the label of an LVM physical volume is damaged: its checksum is another");
  const auto at = header.number<std::uint32_t>();
  if (header.text(8) != "LVM2 001" || at > block.size()) return fail("a label of LVM in an unknown format");
  ByteReader reader(block.subspan(at));
  LvmLabel label{.pv_uuid = with_hyphens(reader.text(32)), .areas = {}};
  reader.take(8);  // size of the device
  read_areas(reader);
  label.areas = read_areas(reader);
  if (reader.failed()) return fail("the label of an LVM physical volume is cut off");
  return label;
}

}  // namespace

Result<LvmLabel> parse_lvm_label(std::span<const std::byte> start) {
  for (std::size_t at = 0; at + sector <= std::min(start.size(), lvm_label_area); at += sector)
    if (const auto block = start.subspan(at, sector); ByteReader(block).text(8) == "LABELONE")
      return parse_label_sector(block);
  return fail("no label of an LVM physical volume");
}

Result<LvmText> parse_lvm_area(std::span<const std::byte> header, const Extent& area) {
  ByteReader reader(header);
  const auto expected = reader.number<std::uint32_t>();
  if (header.size() != lvm_area_header_bytes || reader.text(16) != area_magic ||
      expected != checksum(header.subspan(4)))
    return fail("a metadata area of LVM is damaged: its checksum is another");
  reader.take(4 + 8 + 8);  // version, and where and how large the area says it is
  const auto offset = reader.number<std::uint64_t>();
  const auto bytes = reader.number<std::uint64_t>();
  LvmText text{.pieces = {}, .checksum = reader.number<std::uint32_t>()};
  constexpr std::uint32_t ignored = 1;
  if (const auto flags = reader.number<std::uint32_t>(); offset == 0 || bytes == 0 || (flags & ignored) != 0)
    return text;
  if (area.bytes <= sector || offset < sector || offset >= area.bytes || bytes > area.bytes - sector ||
      bytes > lvm_text_limit)
    return fail("a metadata area of LVM names text outside of itself");
  const auto first = std::min(bytes, area.bytes - offset);
  text.pieces = {{area.offset + offset, first}};
  if (first < bytes) text.pieces.push_back({area.offset + sector, bytes - first});
  return text;
}

bool is_whole(const LvmText& text, std::span<const std::byte> bytes) { return checksum(bytes) == text.checksum; }

namespace {

// LVM's text: sections, values and lists of them, as JSON. Throws Error.
class TextParser {
 public:
  explicit TextParser(std::string_view text) : text_(text) {}

  json document() {
    auto all = section(0);
    if (at_ < text_.size()) throw wrong("the end");
    return all;
  }

 private:
  static constexpr int deepest = 16;

  Error wrong(std::string_view expected) const {
    return Error(std::format("metadata of LVM: {} expected at byte {}", expected, at_));
  }

  void skip() {
    while (at_ < text_.size()) {
      // The text ends in a zero.
      if (std::isspace(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '\0')
        ++at_;
      else if (text_[at_] == '#')
        at_ = std::min(text_.find('\n', at_), text_.size());
      else
        return;
    }
  }

  bool take(char wanted) {
    skip();
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  template <typename Accepts>
  std::string word(Accepts accepts) {
    const auto begin = at_;
    while (at_ < text_.size() && accepts(text_[at_])) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  json section(int depth) {
    if (depth > deepest) throw wrong("less nesting");
    auto content = json::object();
    for (skip(); at_ < text_.size() && text_[at_] != '}'; skip()) {
      const auto name = word([](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string_view("_.+-/").contains(c);
      });
      if (name.empty()) throw wrong("a name");
      if (take('{')) {
        content[name] = section(depth + 1);
        if (!take('}')) throw wrong("}");
      } else if (take('=')) {
        content[name] = value();
      } else {
        throw wrong("= or {");
      }
    }
    return content;
  }

  json value() {
    if (!take('[')) return single();
    auto list = json::array();
    while (!take(']')) {
      list.push_back(single());
      take(',');
    }
    return list;
  }

  json single() {
    if (take('"')) return quoted();
    const auto number =
        word([](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-'; });
    if (number.empty()) throw wrong("a value");
    std::uint64_t whole = 0;
    const auto parsed = std::from_chars(number.data(), number.data() + number.size(), whole);
    return parsed.ptr == number.data() + number.size() && parsed.ec == std::errc() ? json(whole) : json(number);
  }

  std::string quoted() {
    std::string value;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      value += text_[at_++];
    }
    if (!take('"')) throw wrong("\"");
    return value;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// A product that does not fit is no size of any disk.
std::uint64_t times(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) throw Error("metadata of LVM: a size beyond all bounds");
  return product;
}

// The physical volume of the group that this one is: its name in the text, where its extents begin and their size.
struct Here {
  std::string name;
  std::uint64_t start = 0;
  std::uint64_t extent_bytes = 0;
};

// Adds what a segment has on this physical volume. stripes: name and first extent, in turn.
void add_segment(const json& segment, const Here& here, LvmVolume& volume) {
  if (segment.value("type", "") != "striped") return;
  const auto& stripes = segment.at("stripes");
  const auto per_stripe =
      whole_number<std::uint64_t>(segment.at("extent_count")) / std::max<std::uint64_t>(stripes.size() / 2, 1);
  for (std::size_t i = 0; i + 1 < stripes.size(); i += 2) {
    if (stripes[i].get<std::string>() != here.name) continue;
    volume.bytes += times(per_stripe, here.extent_bytes);
    if (i == 0 && whole_number<std::uint64_t>(segment.at("start_extent")) == 0)
      volume.start = here.start + times(whole_number<std::uint64_t>(stripes[1]), here.extent_bytes);
  }
}

LvmVolume read_volume(const std::string& name, const json& section, const Here& here) {
  LvmVolume volume{.name = name, .tags = {}, .bytes = 0, .start = {}};
  for (const auto& tag : section.value("tags", json::array())) volume.tags.push_back(tag.get<std::string>());
  for (const auto& [key, segment] : section.items())
    if (key.starts_with("segment") && segment.is_object()) add_segment(segment, here, volume);
  return volume;
}

LvmGroup read_group(const std::string& name, const json& section, const std::string& pv_uuid) {
  LvmGroup group{.name = name, .uuid = section.at("id").get<std::string>(), .bytes = 0, .volumes = {}};
  Here here{
      .name = {}, .start = 0, .extent_bytes = times(whole_number<std::uint64_t>(section.at("extent_size")), sector)};
  for (const auto& [pv_name, pv] : section.at("physical_volumes").items()) {
    if (pv.at("id").get<std::string>() != pv_uuid) continue;
    here.name = pv_name;
    here.start = times(whole_number<std::uint64_t>(pv.at("pe_start")), sector);
    group.bytes = times(whole_number<std::uint64_t>(pv.at("pe_count")), here.extent_bytes);
  }
  if (here.name.empty()) throw Error(std::format("metadata of LVM: the group {} has no such device", printable(name)));
  const auto volumes = section.find("logical_volumes");
  if (volumes == section.end()) return group;
  for (const auto& [volume_name, volume] : volumes->items())
    if (auto read = read_volume(volume_name, volume, here); read.bytes > 0) group.volumes.push_back(std::move(read));
  return group;
}

}  // namespace

Result<LvmGroup> parse_lvm_text(std::string_view text, const std::string& pv_uuid) {
  try {
    const auto document = TextParser(text).document();
    for (const auto& [name, section] : document.items())
      if (section.is_object() && section.contains("physical_volumes")) return read_group(name, section, pv_uuid);
    return fail("metadata of LVM: no volume group in it");
  } catch (const Error& problem) {
    return std::unexpected(problem);
  } catch (const json::exception& problem) {
    return fail("metadata of LVM: " + printable(problem.what()));
  }
}

}  // namespace loam::diskmgr
