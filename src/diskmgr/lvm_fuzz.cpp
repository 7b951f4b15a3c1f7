// What LVM writes on a disk: label, header of an area, text. The first byte says which.
#include <cstdint>
#include <string_view>

#include "diskmgr/ceph_parts.hpp"
#include "diskmgr/lvm.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace loam::diskmgr;
  if (size == 0) return 0;
  const auto rest = std::as_bytes(std::span(data, size)).subspan(1);
  if (data[0] == 0) static_cast<void>(parse_lvm_label(rest));
  if (data[0] == 1) static_cast<void>(parse_lvm_area(rest, {4096, 1U << 20U}));
  if (data[0] != 2) return 0;
  const auto group = parse_lvm_text({reinterpret_cast<const char*>(rest.data()), rest.size()}, "uuid");
  if (!group) return 0;
  for (const auto& volume : group->volumes)
    if (const auto part = part_of(*group, volume)) static_cast<void>(describe(*part));
  return 0;
}
