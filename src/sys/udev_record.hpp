// What udev keeps about a device in /run/udev/data, and the kernel in its uevent file.
// Format of the first: systemd, src/libsystemd/sd-device/device-private.c, device_update_db(); it says its version.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace loam::sys {

using Properties = std::map<std::string, std::string, std::less<>>;

// KEY=value lines.
void add_uevent(Properties& properties, std::string_view text);

struct UdevRecord {
  Properties properties;     // with DEVLINKS
  bool initialized = false;  // its rules have run
};

// False, and nothing added, if it is of another version than the one known here: then libudev is to be asked.
bool add_record(UdevRecord& record, std::string_view text);

}  // namespace loam::sys
