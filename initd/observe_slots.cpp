#include "observe_slots.hpp"

#include "slots/boot_entries.hpp"
#include "slots/gpt.hpp"
#include "slots/mounted_esp.hpp"
#include "slots/node_releases.hpp"
#include "slots/running_release.hpp"

namespace loam::node {

Result<std::vector<slots::SlotView>> observe_slots(const slots::BootFacts& boot) {
  LOAM_TRY(const auto esp, slots::MountedEsp::mounted_at());
  LOAM_TRY(const auto names, esp.list("/EFI/Linux"));
  LOAM_TRY(const auto gpt, slots::read_gpt(boot.disk.disk, 512));
  LOAM_TRY(const auto digest, slots::parse_digest(boot.root_hash));
  return slots::view_slots(gpt, slots::boot_entries(names), slots::kept_releases(slots::kept_releases_path),
                           {.version = slots::running_version(), .root_hash = digest},
                           slots::read_slot_checks(slots::slot_checks_path));
}

}  // namespace loam::node
