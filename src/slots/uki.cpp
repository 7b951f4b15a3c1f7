#include "slots/uki.hpp"

#include <algorithm>
#include <array>
#include <format>

#include "base/byte_reader.hpp"
#include "base/text.hpp"

namespace loam::slots {

namespace {

constexpr std::uint16_t dos_magic = 0x5a4d;     // "MZ"
constexpr std::uint32_t pe_magic = 0x00004550;  // "PE\0\0"
constexpr std::size_t header_offset_at = 0x3c;  // of the PE header's offset
constexpr std::uint16_t machine_x86_64 = 0x8664;
constexpr std::size_t section_name_bytes = 8;
// systemd-stub allows more profiles than anybody makes; each has a few sections.
constexpr std::uint16_t max_sections = 512;

// Where the section table begins, and how many sections it has.
struct Table {
  std::size_t offset = 0;
  std::uint16_t sections = 0;
};

Result<Table> find_table(std::span<const std::byte> head) {
  ByteReader dos(head);
  const auto magic = dos.number<std::uint16_t>();
  dos.take(header_offset_at - sizeof(magic));
  const auto pe = dos.number<std::uint32_t>();
  if (dos.failed() || magic != dos_magic || pe >= head.size()) return fail("UKI: it is no PE image");
  ByteReader coff(head.subspan(pe));
  const auto signature = coff.number<std::uint32_t>();
  const auto machine = coff.number<std::uint16_t>();
  const auto sections = coff.number<std::uint16_t>();
  coff.take(12);  // time stamp, symbol table
  const auto optional_bytes = coff.number<std::uint16_t>();
  coff.take(2);  // characteristics
  if (coff.failed() || signature != pe_magic || sections == 0 || sections > max_sections)
    return fail("UKI: its PE header is damaged");
  if (machine != machine_x86_64)
    return fail(std::format("UKI: for machine {:#x}, expected {:#x}", machine, machine_x86_64));
  return Table{.offset = pe + coff.at() + optional_bytes, .sections = sections};
}

UkiPart read_section(ByteReader& table) {
  UkiPart section;
  const auto name = table.text(section_name_bytes);
  section.name = printable(name.substr(0, name.find('\0')));
  table.take(8);  // size and address in memory
  section.bytes = table.number<std::uint32_t>();
  section.offset = table.number<std::uint32_t>();
  table.take(16);  // relocations, line numbers, characteristics
  return section;
}

Result<std::vector<UkiPart>> read_sections(std::span<const std::byte> head, std::uint64_t file_bytes) {
  LOAM_TRY(const auto where, find_table(head));
  if (where.offset > head.size()) return fail("UKI: its section table is cut off");
  ByteReader table(head.subspan(where.offset));
  std::vector<UkiPart> sections;
  for (std::uint16_t i = 0; i < where.sections; ++i) {
    auto section = read_section(table);
    if (section.bytes == 0) continue;  // only in memory
    if (section.offset > file_bytes || section.bytes > file_bytes - section.offset)
      return fail(std::format("UKI: section {} ends behind the file", section.name),
                  "the file is cut off; get it again");
    sections.push_back(std::move(section));
  }
  if (table.failed()) return fail("UKI: its section table is cut off");
  std::ranges::sort(sections, {}, &UkiPart::offset);
  return sections;
}

}  // namespace

bool begins_frame(std::span<const std::byte, 4> bytes) {
  constexpr std::array zstd = {std::byte{0x28}, std::byte{0xb5}, std::byte{0x2f}, std::byte{0xfd}};
  constexpr std::array cpio = {std::byte{'0'}, std::byte{'7'}, std::byte{'0'}, std::byte{'7'}};
  return std::ranges::equal(bytes, zstd) || std::ranges::equal(bytes, cpio);
}

Result<std::vector<UkiPart>> parse_uki(std::span<const std::byte> head, std::uint64_t file_bytes) {
  LOAM_TRY(const auto sections, read_sections(head, file_bytes));
  std::vector<UkiPart> parts;
  std::uint64_t at = 0;
  const auto gap_until = [&](std::uint64_t end) {
    if (end > at) parts.push_back({.name = at == 0 ? "headers" : "rest", .offset = at, .bytes = end - at});
    at = end;
  };
  for (const auto& section : sections) {
    if (section.offset < at) return fail(std::format("UKI: section {} overlaps another", section.name));
    gap_until(section.offset);
    parts.push_back(section);
    at += section.bytes;
  }
  gap_until(file_bytes);
  return parts;
}

}  // namespace loam::slots
