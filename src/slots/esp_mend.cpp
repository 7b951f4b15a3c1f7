#include "slots/esp_mend.hpp"

#include <algorithm>
#include <array>
#include <format>

#include "base/file.hpp"
#include "base/scratch.hpp"
#include "slots/boot_entries.hpp"
#include "slots/release_build.hpp"
#include "slots/sha256.hpp"

namespace loam::slots {

namespace fs = std::filesystem;

namespace {

// A PE image whose sections are all there.
Result<bool> is_program(const EspFiles& esp, std::string_view path) {
  const auto slash = path.rfind('/');
  LOAM_TRY(const auto names, esp.list(std::string(path.substr(0, slash))));
  if (std::ranges::find(names, path.substr(slash + 1)) == names.end()) return false;
  LOAM_TRY(const auto copy, ScratchFile::make());
  if (!esp.copy_out(std::string(path), copy.path())) return false;  // not even read: it is written anew elsewhere
  return describe_uki(copy.path()).has_value();
}

}  // namespace

namespace {

Result<bool> are_equal(const EspFiles& esp, const std::string& one, const std::string& other) {
  std::array<std::string, 2> digests;
  for (std::size_t i = 0; i < digests.size(); ++i) {
    LOAM_TRY(const auto copy, ScratchFile::make());
    LOAM_CHECK(esp.copy_out(i == 0 ? one : other, copy.path()));
    LOAM_TRY(digests.at(i), sha256_file(copy.path()));
  }
  return digests[0] == digests[1];
}

}  // namespace

Result<void> end_blessing(const EspFiles& esp, const std::string& version) {
  const std::string folder = "/EFI/Linux/";
  const auto blessed = std::format("loam-{}.efi", version);
  LOAM_TRY(const auto names, esp.list(folder));
  if (!std::ranges::contains(names, blessed)) return {};
  for (const auto& name : names) {
    const auto entry = parse_boot_entry(name);
    if (!entry || entry->version != version || !entry->tries_left) continue;
    LOAM_TRY(const auto bytes, esp.size(folder + blessed));
    if (bytes == 0) return esp.remove(folder + blessed);
    LOAM_TRY(const bool same, are_equal(esp, folder + name, folder + blessed));
    if (same) LOAM_CHECK(esp.remove(folder + name));
  }
  return esp.remove(folder + blessed + ".new");
}

Result<std::vector<std::string>> mend_esp(const EspFiles& esp, const fs::path& loader) {
  std::vector<std::string> mended;
  for (const auto path : {named_boot_loader, fallback_boot_loader}) {
    LOAM_TRY(const bool good, is_program(esp, path));
    if (good) continue;
    LOAM_CHECK(esp.put(loader, std::string(path)));
    mended.push_back(std::format("{} was missing or no program; it is the image's boot loader again", path));
  }
  LOAM_TRY(const auto config, esp.read_text(std::string(loader_config_path)));
  if (config.empty()) {
    LOAM_CHECK(esp.put_text(std::string(loader_config), std::string(loader_config_path)));
    mended.push_back(std::format("{} was missing; it is as the installer writes it", loader_config_path));
  }
  return mended;
}

}  // namespace loam::slots
