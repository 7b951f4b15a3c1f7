// Labels of Ceph OSDs: whatever stands on a disk may be read.
#include <cstdint>

#include "diskmgr/ceph_parts.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto label = loam::diskmgr::parse_bluestore_label(std::as_bytes(std::span(data, size)));
  if (label) static_cast<void>(describe(part_of(*label)));
  return 0;
}
