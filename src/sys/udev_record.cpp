#include "sys/udev_record.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace loam::sys {

namespace {

void add_property(Properties& properties, std::string_view line) {
  const auto at = line.find('=');
  if (at == std::string_view::npos || at == 0) return;
  properties.insert_or_assign(std::string(line.substr(0, at)), std::string(line.substr(at + 1)));
}

// "E:ID_BUS=scsi", "S:disk/by-id/wwn-0x5000...", "I:4711" (when udev saw it first, in microseconds).
void add_line(UdevRecord& record, std::string& links, std::string_view line) {
  const auto value = line.substr(2);
  if (line.front() == 'E') add_property(record.properties, value);
  if (line.front() == 'S') links.append(links.empty() ? "/dev/" : " /dev/").append(value);
  if (line.front() == 'I') record.initialized = leading_number(value) > 0;
}

}  // namespace

void add_uevent(Properties& properties, std::string_view text) {
  for (const auto line : split(text, '\n')) add_property(properties, line);
}

bool add_record(UdevRecord& record, std::string_view text) {
  const auto lines = split(text, '\n');
  if (!std::ranges::contains(lines, "V:1")) return false;
  std::string links;
  for (const auto line : lines)
    if (line.size() > 2 && line[1] == ':') add_line(record, links, line);
  if (!links.empty()) record.properties.insert_or_assign("DEVLINKS", std::move(links));
  return true;
}

}  // namespace loam::sys
