// What every start needs on the EFI system partition besides the UKIs: put there by the installer, and put there again
// where it is gone or no program any more.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "slots/esp_files.hpp"

namespace loam::slots {

// systemd-boot as the image has it.
inline constexpr std::string_view image_boot_loader = "/usr/lib/systemd/boot/efi/systemd-bootx64.efi";
// What firmware looks for on a disk that it has no boot entry for.
inline constexpr std::string_view fallback_boot_loader = "/EFI/BOOT/BOOTX64.EFI";
inline constexpr std::string_view named_boot_loader = "/EFI/systemd/systemd-bootx64.efi";
inline constexpr std::string_view loader_config_path = "/loader/loader.conf";
inline constexpr std::string_view loader_config = "timeout 3\nconsole-mode keep\neditor no\n";

// What was mended, in sentences. A boot loader that works is left alone, also if it is another than the image's.
Result<std::vector<std::string>> mend_esp(const EspFiles& esp, const std::filesystem::path& loader);

// Of the release that runs: a blessing that was cut off leaves its UKI under two names. The one with a counter goes
// only where the other is the very same; that one goes where a power cut in vfat's rename left nothing behind the name.
Result<void> end_blessing(const EspFiles& esp, const std::string& version);

}  // namespace loam::slots
