#include "diskmgr/bluestore.hpp"

#include <algorithm>
#include <format>
#include <string_view>

#include "base/text.hpp"

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

// Reads little-endian values one after the other; what is asked for beyond the end is zero, and then it has failed.
class Reader {
 public:
  explicit Reader(Bytes data) : data_(data) {}

  template <typename Number>
  Number number() {
    Number value = 0;
    const auto bytes = take(sizeof(Number));
    for (std::size_t i = 0; i < bytes.size(); ++i)
      value |= static_cast<Number>(std::to_integer<Number>(bytes[i]) << (8U * i));
    return value;
  }

  std::string text() {
    const auto bytes = take(number<std::uint32_t>());
    std::string value;
    for (const auto byte : bytes) value += std::to_integer<char>(byte);
    return value;
  }

  Bytes take(std::size_t count) {
    failed_ = failed_ || count > data_.size() - at_;
    if (failed_) return {};
    at_ += count;
    return data_.subspan(at_ - count, count);
  }

  std::size_t at() const { return at_; }
  bool failed() const { return failed_; }

 private:
  Bytes data_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

void read_meta(Reader& reader, BluestoreLabel& label) {
  const auto count = reader.number<std::uint32_t>();
  for (std::uint32_t i = 0; i < count && !reader.failed(); ++i) {
    const auto key = reader.text();
    const auto value = reader.text();
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
  Reader reader(block);
  reader.take(magic.size());
  BluestoreLabel label;
  for (const auto byte : reader.take(uuid_text)) label.osd_uuid += std::to_integer<char>(byte);
  reader.take(1);
  const auto version = reader.number<std::uint8_t>();
  reader.number<std::uint8_t>();  // the oldest version that can read it
  const std::size_t end = reader.number<std::uint32_t>() + reader.at();
  reader.take(16);  // the same UUID, as bytes
  label.bytes = reader.number<std::uint64_t>();
  reader.take(8);  // when it was made
  label.description = reader.text();
  if (version >= 2) read_meta(reader, label);
  if (reader.failed() || end < reader.at() || end > block.size() - sizeof(std::uint32_t))
    return fail("the label of a Ceph OSD is cut off or has lengths that cannot be");
  Reader checksum(block.subspan(end));
  if (checksum.number<std::uint32_t>() != crc32c(block.first(end)))
    return fail("the label of a Ceph OSD is damaged: its checksum is another");
  return label;
}

std::string describe(const BluestoreLabel& label) {
  if (label.whoami.empty()) return std::format("{} of a Ceph OSD", printable(label.description, 40));
  return std::format("Ceph OSD {} of cluster {}", printable(label.whoami, 20), printable(label.ceph_fsid, uuid_text));
}

}  // namespace loam::diskmgr
