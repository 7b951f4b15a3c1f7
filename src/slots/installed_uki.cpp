#include "slots/installed_uki.hpp"

#include <format>
#include <string>

#include "slots/boot_entries.hpp"

namespace loam::slots {

Result<void> verify_installed_uki(const MountedEsp& esp, const Manifest& manifest) {
  const std::string folder = "/EFI/Linux";
  const auto& wanted = manifest.files.at("efi").sha256;
  LOAM_TRY(const auto names, esp.list(folder));
  bool found = false;
  for (const auto& name : names) {
    const auto entry = parse_boot_entry(name);
    if (!entry || entry->version != manifest.version) continue;
    found = true;
    LOAM_TRY(const auto digest, esp.digest(std::format("{}/{}", folder, name)));
    if (digest != wanted)
      return fail(std::format("{}: its SHA-256 is {}, the release's is {}", name, digest, wanted),
                  "it was changed or is damaged; install the release again from the other slot");
  }
  if (found) return {};
  return fail(std::format("the EFI system partition has no UKI of Loam {}", manifest.version),
              "install the release again from the other slot");
}

}  // namespace loam::slots
