// What goes with a release: its loam.yaml, and how its starts ended.
#include <algorithm>
#include <array>
#include <filesystem>
#include <format>
#include <optional>
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

constexpr std::string_view early_starts_variable = "LoamEarlyStarts";

// systemd-boot counts its tries then, and nobody else has to.
Result<bool> on_trial() {
  return sys::read_efi_text("LoaderBootCountPath", sys::loader_vendor).transform([](const auto& path) {
    return path.has_value();
  });
}

std::int64_t count_in(const std::optional<std::string>& kept) {
  const std::string text = kept.value_or("0");
  return static_cast<std::int64_t>(leading_number(trim(text)));
}

}  // namespace

Result<void> follow_release(const fs::path& root) {
  LOAM_TRY(const auto said, slots::follow_release(root, followed));
  if (said) say(*said);
  return {};
}

// systemd-boot shows its menu once, on every console that the firmware has.
Result<void> ask_for_menu(slots::BootMenu menu) {
  if (menu == slots::BootMenu::none) return {};
  const auto seconds = std::format("{}", std::chrono::seconds(slots::menu_limit).count());
  return sys::write_efi_text("LoaderConfigTimeoutOneShot", sys::loader_vendor,
                             menu == slots::BootMenu::stays ? "menu-force" : seconds);
}

Result<slots::BootMenu> count_boot(const fs::path& root) {
  LOAM_TRY(const auto counting, on_trial());
  if (counting) return slots::BootMenu::none;
  const auto path = root / "loam/boots";
  LOAM_TRY(const auto text, read_if_there(path, 64));
  const auto start = slots::count_start(count_in(text));
  LOAM_CHECK(write_file_atomic(path, std::format("{}\n", start.count)));
  LOAM_CHECK(ask_for_menu(start.menu));
  return start.menu;
}

Result<slots::BootMenu> count_early_start() {
  LOAM_TRY(const auto counting, on_trial());
  if (counting) return slots::BootMenu::none;
  LOAM_TRY(const auto kept, sys::read_efi_variable(early_starts_variable, sys::loam_vendor));
  const auto start = slots::count_start(count_in(kept));
  LOAM_CHECK(sys::write_efi_variable(early_starts_variable, sys::loam_vendor, std::format("{}", start.count)));
  LOAM_CHECK(ask_for_menu(start.menu));
  return start.menu;
}

Result<void> forget_early_starts() {
  LOAM_TRY(const auto kept, sys::read_efi_variable(early_starts_variable, sys::loam_vendor));
  return kept ? sys::remove_efi_variable(early_starts_variable, sys::loam_vendor) : Result<void>{};
}

Result<void> note_trial(const fs::path& root) {
  LOAM_TRY(const auto counting, on_trial());
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
