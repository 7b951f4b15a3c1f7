#include "bless.hpp"

#include <unistd.h>

#include <format>

#include "base/file.hpp"
#include "slots/boot_entries.hpp"
#include "slots/mounted_esp.hpp"
#include "slots/running_release.hpp"
#include "slots/upgrade_record.hpp"

namespace loam::node {

namespace {

constexpr const char* may_fall_back = "/run/loam/may-fall-back";  // of the initrd, for loam-fall-back-blind.service

// A copy under the name without a counter, whole and read back, before the one with the counter goes.
Result<std::string> bless_entry(const std::string& version) {
  LOAM_TRY(const auto esp, slots::MountedEsp::mounted_at());
  // It may be put back in this moment.
  LOAM_TRY(const auto lock, esp.lock(slots::long_esp_lock));
  const std::string folder = "/EFI/Linux/";
  LOAM_TRY(const auto names, esp.list(folder));
  for (const auto& name : names) {
    const auto entry = slots::parse_boot_entry(name);
    // One that was put back while it ran stays put back.
    if (!entry || entry->version != version || !entry->tries_left || entry->retired()) continue;
    const auto from = std::format("{}{}{}", slots::esp_mount_point, folder, name);
    const auto blessed = std::format("{}loam-{}.efi", folder, version);
    LOAM_CHECK(esp.put(from, blessed));
    LOAM_CHECK(esp.remove(folder + name));
    ::unlink(may_fall_back);  // what fails from now on restarts nothing
    return std::format("Loam {} has proven itself", version);
  }
  return std::format("Loam {} is not on trial", version);
}

}  // namespace

// One that cannot be blessed uses up its tries: the release that comes then says why.
Result<std::string> bless() {
  const auto version = slots::running_version();
  auto blessed = bless_entry(version);
  if (blessed) return blessed;
  auto error = std::move(blessed).error().context(std::format("Loam {} cannot be blessed", version));
  const slots::BootFailure failure{.version = version, .why = error.text()};
  if (auto noted = write_file_atomic(slots::boot_failure_path, to_json(failure)); !noted)
    return std::unexpected(std::move(error).remedy(std::format("nor can that be noted: {}", noted.error().text())));
  // What was written of it takes room; that it goes also tells loamd to look.
  if (const auto esp = slots::MountedEsp::mounted_at())
    if (auto gone = esp->remove(std::format("/EFI/Linux/loam-{}.efi.new", version)); !gone)
      return std::unexpected(std::move(error).remedy(gone.error().text()));
  return std::unexpected(std::move(error));
}

}  // namespace loam::node
