// udev's record of a device: what is in it, disks and sticks may have said of themselves.
#include <cstdint>
#include <string_view>

#include "sys/udev_record.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  loam::sys::UdevRecord record;
  loam::sys::add_uevent(record.properties, text);
  loam::sys::add_record(record, text);
  return 0;
}
