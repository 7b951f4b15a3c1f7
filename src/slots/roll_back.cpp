#include "slots/roll_back.hpp"

#include <algorithm>
#include <format>
#include <string_view>
#include <vector>

#include "slots/boot_entries.hpp"
#include "slots/install_plan.hpp"
#include "slots/version.hpp"

namespace loam::slots {

namespace {

constexpr std::string_view folder = "/EFI/Linux";

using Names = std::vector<std::string>;

// Files of a version get another counter.
Result<void> count_anew(const EspFiles& esp, const Names& names, const std::string& version, int tries) {
  const auto to = uki_name(version, tries);
  for (const auto& name : names) {
    const auto entry = parse_boot_entry(name);
    if (entry && entry->version == version && name != to)
      LOAM_CHECK(esp.rename(std::format("{}/{}", folder, name), std::format("{}/{}", folder, to)));
  }
  return {};
}

// With all its tries.
Result<RolledBack> put_forward(const EspFiles& esp, const Names& names, const std::string& version) {
  LOAM_CHECK(count_anew(esp, names, version, boot_tries));
  return RolledBack{.said = std::format("Loam {} starts at the next reboot, on trial", version), .meant = version};
}

// It does not start any more, unless nothing else does.
Result<RolledBack> put_back(const EspFiles& esp, const Names& names, const std::string& newer,
                            const std::string& running) {
  LOAM_CHECK(count_anew(esp, names, newer, 0));
  return RolledBack{.said = std::format("Loam {} does not start any more; {}, which runs, stays", newer, running),
                    .meant = {}};
}

// It has to prove itself like any: what runs now takes over where it does not start any more.
Result<RolledBack> return_to(const EspFiles& esp, const Names& names, const std::string& older,
                             const std::string& running) {
  LOAM_CHECK(count_anew(esp, names, older, boot_tries));
  LOAM_CHECK(count_anew(esp, names, running, 0));
  return RolledBack{
      .said = std::format("Loam {} starts at the next reboot, with the loam.yaml that it last used", older),
      .meant = older};
}

}  // namespace

Result<RolledBack> roll_back(const EspFiles& esp, const std::string& running) {
  LOAM_TRY(const auto lock, esp.lock(short_esp_lock));
  LOAM_TRY(const auto names, esp.list(std::string(folder)));
  const auto entries = boot_entries(names);
  const auto other = std::ranges::find_if(entries, [&](const auto& entry) { return entry.version != running; });
  const auto own = std::ranges::find(entries, running, &BootEntry::version);
  // Put back before this, and not restarted since: what is asked for is that it stays.
  if (own != entries.end() && own->retired()) return put_forward(esp, names, running);
  if (other == entries.end()) return fail("no other slot holds a release that could start", "loamctl slots shows both");
  const bool other_is_newer = compare_versions(other->version, running) > 0;
  if (other_is_newer && other->can_boot()) return put_back(esp, names, other->version, running);
  // It was put back before, or failed: now it is wanted again.
  if (other_is_newer) return put_forward(esp, names, other->version);
  if (other->can_boot()) return return_to(esp, names, other->version, running);
  return fail(std::format("Loam {} has no tries left", other->version), "loamctl slots shows both");
}

}  // namespace loam::slots
