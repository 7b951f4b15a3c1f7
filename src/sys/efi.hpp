// EFI variables, through efivarfs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace loam::sys {

// Vendor of the variables of the Boot Loader Interface (systemd-boot and its stub).
inline constexpr std::string_view loader_vendor = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
// Vendor of the firmware's own variables, UEFI specification 3.3.
inline constexpr std::string_view global_vendor = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
// Vendor of Loam's variables.
inline constexpr std::string_view loam_vendor = "6c6f616d-0003-4a5e-9b3d-5f0c2a8e7d41";

// A variable that holds UTF-16 text, as ASCII; nothing if it does not exist.
Result<std::optional<std::string>> read_efi_text(std::string_view name, std::string_view vendor);

// A variable that holds several such texts, each with a zero behind it; none if it does not exist.
Result<std::vector<std::string>> read_efi_texts(std::string_view name, std::string_view vendor);

// ASCII, as UTF-16 with the zero at its end that the Boot Loader Interface wants.
Result<void> write_efi_text(std::string_view name, std::string_view vendor, std::string_view text);

// The bytes of a variable; nothing if it does not exist.
Result<std::optional<std::string>> read_efi_variable(std::string_view name, std::string_view vendor);

// Non-volatile, for boot services and the running system.
Result<void> write_efi_variable(std::string_view name, std::string_view vendor, std::string_view bytes);
Result<void> remove_efi_variable(std::string_view name, std::string_view vendor);

}  // namespace loam::sys
