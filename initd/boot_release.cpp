// What goes with a release: its loam.yaml, and how its starts ended.
#include <algorithm>
#include <array>
#include <filesystem>
#include <format>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "base/text.hpp"
#include "boot.hpp"
#include "netcfg/pins.hpp"
#include "netcfg/trial.hpp"
#include "slots/boot_entries.hpp"
#include "slots/config_of_release.hpp"
#include "slots/running_release.hpp"
#include "sys/efi.hpp"

namespace loam::boot {

namespace fs = std::filesystem;

namespace {

// All go together: a network that was confirmed with one loam.yaml says nothing about another, and NICs that are found
// anew could be other ones.
constexpr std::array<std::string_view, 4> followed = {"/loam/loam.yaml", netcfg::pins_path, netcfg::confirmed_path,
                                                      netcfg::confirmed_pins_path};

}  // namespace

Result<void> follow_release(const fs::path& root) {
  LOAM_TRY(const auto said, slots::follow_release(root, followed));
  if (said) say(*said);
  return {};
}

// systemd-boot shows its menu once, on every console that the firmware has.
Result<slots::BootMenu> count_boot(const fs::path& root) {
  LOAM_TRY(const auto counting, sys::read_efi_text("LoaderBootCountPath", sys::loader_vendor));
  if (counting) return slots::BootMenu::none;  // on trial: systemd-boot counts
  const auto path = root / "loam/boots";
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
  LOAM_TRY(const auto running, slots::running_release(root / fs::path(slots::release_facts_path).relative_path()));
  const bool another = std::ranges::any_of(entries, [&](const std::string& id) {
    const auto entry = slots::parse_boot_entry(std::string_view(id).substr(0, id.find('@')));  // "@main": its profile
    return entry && slots::takes_over(*entry, running.version);
  });
  return another ? write_file_atomic("/run/loam/may-fall-back", {}) : Result<void>{};
}

}  // namespace loam::boot
