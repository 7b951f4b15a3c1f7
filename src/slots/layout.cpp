#include "slots/layout.hpp"

#include <format>

#include "base/text.hpp"

namespace loam::slots {

namespace {

constexpr std::uint64_t alignment = 1ULL << 20U;

}  // namespace

std::uint64_t min_disk_bytes() {
  std::uint64_t fixed = 2 * alignment;
  for (const auto& kind : partition_kinds) fixed += kind.bytes;
  return fixed + min_state_bytes;
}

Result<Layout> layout_for(std::uint64_t disk_bytes, std::uint32_t sector_size) {
  if (sector_size != 512 && sector_size != 4096)
    return fail(std::format("sectors of {} bytes, expected 512 or 4096", sector_size), "choose another disk");
  if (disk_bytes < min_disk_bytes())
    return fail(std::format("{} are too small for the OS disk, {} are needed", format_bytes(disk_bytes),
                            format_bytes(min_disk_bytes())),
                "choose a larger disk");
  Layout layout{.sector_size = sector_size, .parts = {}};
  auto offset = alignment;
  for (std::size_t i = 0; i < part_count; ++i) {
    // The last MiB holds the backup table.
    const auto rest = (disk_bytes - alignment - offset) / alignment * alignment;
    const auto bytes = partition_kinds[i].bytes == 0 ? rest : partition_kinds[i].bytes;
    layout.parts[i] = {.offset = offset, .bytes = bytes};
    offset += bytes;
  }
  return layout;
}

std::string sfdisk_script(const Layout& layout, const std::array<std::string, part_count>& uuids) {
  std::string script = "label: gpt\nunit: sectors\n";
  for (std::size_t i = 0; i < part_count; ++i) {
    const auto& kind = partition_kinds[i];
    const auto name = static_cast<Part>(i) == Part::loam ? installing_mark : kind.name;
    script +=
        std::format("start={}, size={}, type={}, uuid={}, name=\"{}\"\n", layout.parts[i].offset / layout.sector_size,
                    layout.parts[i].bytes / layout.sector_size, kind.type, uuids[i], name);
  }
  return script;
}

}  // namespace loam::slots
