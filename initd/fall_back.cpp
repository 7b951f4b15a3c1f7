#include "fall_back.hpp"

#include <algorithm>
#include <format>
#include <iostream>

#include "slots/boot_entries.hpp"
#include "sys/subprocess.hpp"

namespace loam::node {

Result<void> fall_back() {
  const auto entries = slots::read_boot_entries(slots::boot_entries_path);
  const auto other = std::ranges::find_if(
      entries, [](const auto& entry) { return entry.version != LOAM_VERSION && entry.can_boot(); });
  if (other == entries.end()) {
    std::cout << "no other release can boot; this one stays up: loamctl status and loamctl logs say what is wrong\n";
    return {};
  }
  std::cout << std::format("restarting: when its tries are used up, Loam {} starts instead\n", other->version);
  LOAM_CHECK(sys::run({"systemctl", "--no-block", "reboot"}));
  return {};
}

}  // namespace loam::node
