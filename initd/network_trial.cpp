#include "network_trial.hpp"

#include <unistd.h>

#include "base/boot_clock.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "netcfg/pins.hpp"

namespace loam::node {

namespace {

constexpr std::string_view config_path = "/loam/loam.yaml";
constexpr std::size_t pins_limit = std::size_t{1} << 20U;

std::string boot_id() {
  const auto text = read_file("/proc/sys/kernel/random/boot_id", 64);
  return text ? std::string(trim(*text)) : "";
}

}  // namespace

Result<void> NetworkTrial::remove(std::string_view path) const {
  const auto file = at(path);
  if (::unlink(file.c_str()) != 0 && errno != ENOENT) return fail_errno(file.string());
  return {};
}

Result<bool> NetworkTrial::begin(std::chrono::seconds time) const {
  LOAM_TRY(const auto before, confirmed());
  if (!before) return false;
  LOAM_CHECK(write_file_atomic(at(netcfg::trial_path),
                               to_json(netcfg::Trial{boot_id(), seconds_of_boot() + time.count()}), 0600));
  return true;
}

Result<std::optional<netcfg::Trial>> NetworkTrial::current() const {
  LOAM_TRY(const auto text, read_if_there(at(netcfg::trial_path), 4096));
  if (!text) return std::optional<netcfg::Trial>{};
  auto trial = netcfg::parse_trial(*text);
  // What cannot be read was of some other boot, or of a broken disk: it goes back.
  return trial ? std::optional(*std::move(trial)) : std::optional(netcfg::Trial{});
}

std::optional<std::int64_t> NetworkTrial::left(const netcfg::Trial& trial) {
  return netcfg::time_left(trial, boot_id(), seconds_of_boot());
}

Result<void> NetworkTrial::confirm(const std::string& text) const {
  LOAM_TRY(const auto pins, read_if_there(at(netcfg::pins_path), pins_limit));
  // In this order: cut off between the two, there is nothing to take back, rather than an old file with new pins.
  LOAM_CHECK(write_file_if_changed(at(netcfg::confirmed_path), text, 0600));
  if (pins) LOAM_CHECK(write_file_if_changed(at(netcfg::confirmed_pins_path), *pins));
  return remove(netcfg::trial_path);
}

Result<std::optional<std::string>> NetworkTrial::confirmed() const { return read_if_there(at(netcfg::confirmed_path)); }

Result<void> NetworkTrial::take_back(const std::string& why) const {
  LOAM_TRY(const auto good, confirmed());
  LOAM_TRY(const auto text, read_if_there(at(config_path)));
  // After a crash in the middle they are the same already, and what was refused lies aside.
  if (good && good != text) {
    // The way back must not fail because what is kept for people cannot be written.
    auto kept = text ? write_file_atomic(at(netcfg::refused_path), *text, 0600) : Result<void>{};
    auto said = write_file_atomic(at(went_back_path), why + "\n", 0600);
    // The other file may have had other names: found anew, they could be other NICs than before.
    LOAM_TRY(const auto pins, read_if_there(at(netcfg::confirmed_pins_path), pins_limit));
    if (pins) LOAM_CHECK(write_file_atomic(at(netcfg::pins_path), *pins));
    LOAM_CHECK(write_file_atomic(at(config_path), *good, 0600));
    LOAM_CHECK(std::move(kept));
    LOAM_CHECK(std::move(said));
  }
  return remove(netcfg::trial_path);
}

Result<std::optional<std::string>> NetworkTrial::went_back() const {
  LOAM_TRY(auto text, read_if_there(at(went_back_path), 65536));
  if (text) text = std::string(trim(*text));
  return text;
}

Result<void> NetworkTrial::forget_went_back() const { return remove(went_back_path); }

}  // namespace loam::node
