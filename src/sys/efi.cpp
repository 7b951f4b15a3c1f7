#include "sys/efi.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <format>

#include "base/file.hpp"

namespace loam::sys {

namespace {

constexpr std::size_t attribute_bytes = 4;  // in front of the data in every file of efivarfs

std::string path_of(std::string_view name, std::string_view vendor) {
  return std::format("/sys/firmware/efi/efivars/{}-{}", name, vendor);
}

// efivarfs makes its files immutable, so that rm -rf does not brick a machine.
void make_mutable(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  int flags = 0;
  if (!fd || ::ioctl(fd.get(), FS_IOC_GETFLAGS, &flags) != 0) return;
  flags &= ~FS_IMMUTABLE_FL;
  ::ioctl(fd.get(), FS_IOC_SETFLAGS, &flags);
}

}  // namespace

Result<std::optional<std::string>> read_efi_variable(std::string_view name, std::string_view vendor) {
  const auto path = path_of(name, vendor);
  if (!std::filesystem::exists(path)) return std::optional<std::string>{};
  LOAM_TRY(const auto content, read_file(path, std::size_t{64} << 10U));
  if (content.size() < attribute_bytes) return fail(std::format("EFI variable {}: cut off", name));
  return std::optional(content.substr(attribute_bytes));
}

Result<std::vector<std::string>> read_efi_texts(std::string_view name, std::string_view vendor) {
  LOAM_TRY(const auto bytes, read_efi_variable(name, vendor));
  std::vector<std::string> texts;
  std::string text;
  for (std::size_t i = 0; bytes && i + 1 < bytes->size(); i += 2) {
    const char c = (*bytes)[i];
    const bool ascii = (*bytes)[i + 1] == '\0';
    if (ascii && c == '\0')
      texts.push_back(std::exchange(text, {}));
    else
      text += ascii ? c : '?';
  }
  if (!text.empty()) texts.push_back(std::move(text));
  return texts;
}

Result<std::optional<std::string>> read_efi_text(std::string_view name, std::string_view vendor) {
  LOAM_TRY(const auto bytes, read_efi_variable(name, vendor));
  if (!bytes) return std::optional<std::string>{};
  LOAM_TRY(auto texts, read_efi_texts(name, vendor));
  return std::optional(texts.empty() ? std::string() : std::move(texts.front()));
}

Result<void> write_efi_variable(std::string_view name, std::string_view vendor, std::string_view bytes) {
  const auto path = path_of(name, vendor);
  make_mutable(path);
  LOAM_TRY(const auto fd, open_file(path, O_WRONLY | O_CREAT | O_TRUNC, 0600));
  // Attributes: non-volatile, boot service access, runtime access. One write: each is a whole variable.
  std::string content("\x07\0\0\0", attribute_bytes);
  content += bytes;
  if (::write(fd.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size()))
    return fail_errno(std::format("EFI variable {}", name));
  return {};
}

Result<void> write_efi_text(std::string_view name, std::string_view vendor, std::string_view text) {
  std::string bytes;
  for (const char c : text) bytes.append({c, '\0'});
  bytes.append(2, '\0');
  return write_efi_variable(name, vendor, bytes);
}

Result<void> remove_efi_variable(std::string_view name, std::string_view vendor) {
  const auto path = path_of(name, vendor);
  make_mutable(path);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno(std::format("EFI variable {}", name));
  return {};
}

}  // namespace loam::sys
