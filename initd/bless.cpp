#include "bless.hpp"

#include <format>

#include "slots/boot_entries.hpp"
#include "slots/mounted_esp.hpp"
#include "slots/running_release.hpp"

namespace loam::node {

// A copy under the name without a counter, whole and read back, before the one with the counter goes.
Result<std::string> bless() {
  const slots::MountedEsp esp("/efi");
  const std::string folder = "/EFI/Linux/";
  const auto version = slots::running_version();
  LOAM_TRY(const auto names, esp.list(folder));
  for (const auto& name : names) {
    const auto entry = slots::parse_boot_entry(name);
    // One that was put back while it ran stays put back.
    if (!entry || entry->version != version || !entry->tries_left || entry->retired()) continue;
    LOAM_CHECK(esp.put("/efi" + folder + name, std::format("{}loam-{}.efi", folder, version)));
    LOAM_CHECK(esp.remove(folder + name));
    return std::format("Loam {} has proven itself", version);
  }
  return std::format("Loam {} is not on trial", version);
}

}  // namespace loam::node
