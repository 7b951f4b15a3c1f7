// What goes with a release: the loam.yaml that it last used, and how its starts ended.
#include <algorithm>
#include <array>
#include <filesystem>
#include <format>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "base/text.hpp"
#include "boot.hpp"
#include "netcfg/trial.hpp"
#include "slots/boot_entries.hpp"
#include "slots/running_release.hpp"
#include "slots/version.hpp"
#include "sys/efi.hpp"

namespace loam::boot {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t config_limit = std::size_t{2} << 20U;

// Both go together: a network that was confirmed with one loam.yaml says nothing about another.
constexpr std::array<std::string_view, 2> followed = {"/loam/loam.yaml", netcfg::confirmed_path};

fs::path below(const fs::path& root, std::string_view path) { return root / fs::path(path).relative_path(); }

fs::path kept_of(const fs::path& root, const std::string& version, std::string_view file) {
  return below(root, "/loam/config-of") / version / fs::path(file).filename();
}

Result<void> keep_config(const fs::path& root, const std::string& version) {
  for (const auto file : followed) {
    LOAM_TRY(const auto text, read_if_there(below(root, file), config_limit));
    if (text) LOAM_CHECK(write_file_atomic(kept_of(root, version, file), *text, 0600));
  }
  return {};
}

// The confirmed one first: cut off between the two, what is on trial goes back to it.
Result<void> restore_config(const fs::path& root, const std::string& version) {
  for (const auto file : {followed[1], followed[0]}) {
    LOAM_TRY(const auto text, read_if_there(kept_of(root, version, file), config_limit));
    if (text) LOAM_CHECK(write_file_atomic(below(root, file), *text, 0600));
  }
  return {};
}

}  // namespace

namespace {

// "1.4.0", or "1.4.0 goes-back" as long as what is in use may be of one release in part, and of another.
struct LastRelease {
  std::string version;
  bool cut_off = false;
};
constexpr std::string_view going_back = " goes-back";

Result<LastRelease> last_release(const fs::path& path) {
  LOAM_TRY(const auto text, read_if_there(path, 256));
  const std::string line = text.value_or("");
  auto word = trim(line);
  const bool cut_off = word.ends_with(going_back);
  if (cut_off) word.remove_suffix(going_back.size());
  return LastRelease{.version = std::string(word), .cut_off = cut_off};
}

}  // namespace

Result<void> follow_release(const fs::path& root) {
  const auto last_path = below(root, "/loam/last-release");
  LOAM_TRY(const auto running, slots::running_release(below(root, slots::release_facts_path)));
  LOAM_TRY(const auto last, last_release(last_path));
  if (last.version == running.version && !last.cut_off) return {};
  const bool known = slots::is_version(last.version);
  if (known && !last.cut_off) LOAM_CHECK(keep_config(root, last.version));
  if (last.cut_off || (known && slots::compare_versions(running.version, last.version) < 0)) {
    LOAM_CHECK(write_file_atomic(last_path, std::format("{}{}\n", running.version, going_back)));
    LOAM_CHECK(restore_config(root, running.version));
    say(std::format("Loam {} runs again, with the loam.yaml that it last used", running.version));
  }
  return write_file_atomic(last_path, running.version + "\n");
}

// systemd-boot shows its menu once, on every console that the firmware has.
Result<slots::BootMenu> count_boot(const fs::path& root) {
  LOAM_TRY(const auto counting, sys::read_efi_text("LoaderBootCountPath", sys::loader_vendor));
  if (counting) return slots::BootMenu::none;  // on trial: systemd-boot counts
  const auto path = below(root, "/loam/boots");
  LOAM_TRY(const auto text, read_if_there(path, 64));
  const std::string kept = text.value_or("0");
  const auto start = slots::count_start(static_cast<std::int64_t>(leading_number(trim(kept))));
  LOAM_CHECK(write_file_atomic(path, std::format("{}\n", start.count)));
  if (start.menu == slots::BootMenu::none) return start.menu;
  const auto seconds = std::format("{}", std::chrono::seconds(slots::menu_limit).count());
  LOAM_CHECK(sys::write_efi_text("LoaderConfigTimeoutOneShot", sys::loader_vendor,
                                 start.menu == slots::BootMenu::stays ? "menu-force" : seconds));
  return start.menu;
}

Result<void> note_trial(const fs::path& root) {
  LOAM_TRY(const auto counting, sys::read_efi_text("LoaderBootCountPath", sys::loader_vendor));
  if (!counting) return {};
  LOAM_TRY(const auto entries, sys::read_efi_texts("LoaderEntries", sys::loader_vendor));
  LOAM_TRY(const auto running, slots::running_release(below(root, slots::release_facts_path)));
  const bool another = std::ranges::any_of(entries, [&](const std::string& id) {
    const auto entry = slots::parse_boot_entry(std::string_view(id).substr(0, id.find('@')));  // "@main": its profile
    return entry && slots::takes_over(*entry, running.version);
  });
  return another ? write_file_atomic("/run/loam/may-fall-back", {}) : Result<void>{};
}

}  // namespace loam::boot
