// What LVM writes on a disk: label, header of an area, text. The first byte says which.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "diskmgr/ceph_parts.hpp"
#include "diskmgr/lvm.hpp"

namespace {

// The text lies within its area: what is read next is read there.
void check_area(std::span<const std::byte> header) {
  constexpr loam::diskmgr::Extent area{4096, 1U << 20U};
  const auto text = loam::diskmgr::parse_lvm_area(header, area);
  if (!text) return;
  for (const auto& piece : text->pieces)
    if (piece.offset < area.offset || piece.bytes > area.bytes || piece.offset - area.offset > area.bytes - piece.bytes)
      std::abort();
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace loam::diskmgr;
  if (size == 0) return 0;
  const auto rest = std::as_bytes(std::span(data, size)).subspan(1);
  if (data[0] == 0)
    if (const auto label = parse_lvm_label(rest); label && label->pv_uuid.empty()) std::abort();
  if (data[0] == 1) check_area(rest);
  if (data[0] != 2) return 0;
  const auto group = parse_lvm_text({reinterpret_cast<const char*>(rest.data()), rest.size()}, "uuid");
  if (!group) return 0;
  for (const auto& volume : group->volumes)
    if (const auto part = part_of(*group, volume)) static_cast<void>(describe(*part));
  return 0;
}
