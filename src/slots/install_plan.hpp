// How an empty disk comes to hold a release. Pure.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/error.hpp"
#include "plan/plan.hpp"
#include "slots/gpt.hpp"
#include "slots/release.hpp"

namespace loam::slots {

// The disk as it was found.
struct InstallTarget {
  std::string id;              // as loamctl disks shows it
  std::filesystem::path path;  // device node or image file
  std::uint64_t bytes = 0;
  std::uint32_t sector_size = 512;
  bool blank = false;
  std::string content;  // what is on it, for messages
  bool wipe_consented = false;
  Gpt gpt;
  bool bootable = false;         // its ESP holds a boot loader
  std::string config_sha256;     // of the loam.yaml to be put there: another file is another plan
  std::string installed_sha256;  // of the loam.yaml that it was installed by; empty: not known
};

// Refuses a disk that is not blank unless consented, one that holds Loam already, one that is too small; nothing has
// been written then. A begun installation needs no new consent: its mark was put there by us. Consent is for once: the
// file that a disk was installed by does not erase it again, so a medium that was left in does no harm.
Result<plan::Plan> plan_install(const InstallTarget& target, const Manifest& manifest);

// Names on the ESP. New releases start with three tries, counted down by systemd-boot.
std::string uki_name(const std::string& version, int tries);
inline constexpr int boot_tries = 3;

}  // namespace loam::slots
