#include "diskmgr/bluestore.hpp"

#include <algorithm>
#include <string_view>

#include "base/byte_reader.hpp"

namespace loam::diskmgr {

namespace {

using Bytes = std::span<const std::byte>;

constexpr std::string_view magic = "bluestore block device\n";
constexpr std::size_t uuid_text = 36;

// CRC-32C (Castagnoli) as Ceph counts it: begun with all ones, not inverted at the end.
std::uint32_t crc32c(Bytes data) {
  constexpr std::uint32_t polynomial = 0x82F63B78;
  std::uint32_t crc = ~0U;
  for (const auto byte : data) {
    crc ^= std::to_integer<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? polynomial : 0U);
  }
  return crc;
}

// A length, then as many bytes.
std::string text(ByteReader& reader) { return reader.text(reader.number<std::uint32_t>()); }

void read_meta(ByteReader& reader, BluestoreLabel& label) {
  const auto count = reader.number<std::uint32_t>();
  for (std::uint32_t i = 0; i < count && !reader.failed(); ++i) {
    const auto key = text(reader);
    const auto value = text(reader);
    if (key == "ceph_fsid") label.ceph_fsid = value;
    if (key == "whoami") label.whoami = value;
  }
}

}  // namespace

bool is_bluestore_label(Bytes block) {
  return block.size() >= magic.size() && std::ranges::equal(block.first(magic.size()), std::as_bytes(std::span(magic)));
}

Result<BluestoreLabel> parse_bluestore_label(Bytes block) {
  if (!is_bluestore_label(block)) return fail("no label of a Ceph OSD");
  ByteReader reader(block);
  reader.take(magic.size());
  BluestoreLabel label;
  label.osd_uuid = reader.text(uuid_text);
  reader.take(1);
  const auto version = reader.number<std::uint8_t>();
  reader.number<std::uint8_t>();  // the oldest version that can read it
  const std::size_t end = reader.number<std::uint32_t>() + reader.at();
  reader.take(16);  // the same UUID, as bytes
  label.bytes = reader.number<std::uint64_t>();
  reader.take(8);  // when it was made
  label.description = text(reader);
  if (version >= 2) read_meta(reader, label);
  if (reader.failed() || end < reader.at() || end > block.size() - sizeof(std::uint32_t))
    return fail("the label of a Ceph OSD is cut off or has lengths that cannot be");
  ByteReader checksum(block.subspan(end));
  if (checksum.number<std::uint32_t>() != crc32c(block.first(end)))
    return fail("the label of a Ceph OSD is damaged: its checksum is another");
  return label;
}

}  // namespace loam::diskmgr
