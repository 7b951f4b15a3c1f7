#include "sys/log.hpp"

#include <sys/uio.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include <format>
#include <iostream>
#include <vector>

namespace loam::sys {

void log(Priority priority, std::string_view message,
         std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  std::vector<std::string> lines = {std::format("MESSAGE={}", message),
                                    std::format("PRIORITY={}", static_cast<int>(priority))};
  for (const auto& [name, value] : fields) lines.push_back(std::format("{}={}", name, value));
  std::vector<iovec> entries;
  entries.reserve(lines.size());
  for (auto& line : lines) entries.push_back({.iov_base = line.data(), .iov_len = line.size()});
  if (sd_journal_sendv(entries.data(), static_cast<int>(entries.size())) < 0 ||
      ::access("/run/systemd/journal/socket", F_OK) != 0)
    std::cerr << message << '\n';
}

}  // namespace loam::sys
