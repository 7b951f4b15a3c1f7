#include "fall_back.hpp"

#include <algorithm>
#include <format>

#include "base/file.hpp"
#include "slots/boot_entries.hpp"
#include "slots/boot_facts.hpp"
#include "slots/esp.hpp"
#include "sys/subprocess.hpp"

namespace loam::node {

namespace {

// From the partition itself: /efi may be what hangs.
Result<std::vector<slots::BootEntry>> entries_on_esp() {
  LOAM_TRY(const auto text, read_file(slots::boot_facts_path));
  LOAM_TRY(const auto facts, slots::parse_boot_facts(text));
  LOAM_TRY(const auto names, slots::Esp::of_partition(facts.disk.esp).list("/EFI/Linux"));
  return slots::boot_entries(names);
}

}  // namespace

Result<std::string> fall_back() {
  LOAM_TRY(const auto entries, entries_on_esp());
  const auto own = std::ranges::find(entries, LOAM_VERSION, &slots::BootEntry::version);
  if (own == entries.end() || !own->tries_left)
    return std::format("Loam {} is not on trial; it stays up", LOAM_VERSION);
  const auto other = std::ranges::find_if(
      entries, [](const auto& entry) { return entry.version != LOAM_VERSION && entry.can_boot(); });
  if (other == entries.end())
    return "no other release can boot; this one stays up: loamctl status and loamctl logs say what is wrong";
  LOAM_CHECK(sys::run({"systemctl", "--no-block", "reboot"}));
  return std::format("restarting: when its tries are used up, Loam {} starts instead", other->version);
}

}  // namespace loam::node
