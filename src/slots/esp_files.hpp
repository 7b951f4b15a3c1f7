// Files on an EFI system partition. Two adapters: esp.hpp for one inside a disk or image that nobody has mounted,
// mounted_esp.hpp for one that the kernel has mounted, whose bytes nobody else may touch.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/unique_fd.hpp"

namespace loam::slots {

// How long a change that is under way is waited for: by a program of its own, as copying a UKI of 100 MB to a slow disk
// takes a while, and by loamd, which its watchdog ends when it does nothing else for two minutes.
inline constexpr std::chrono::seconds long_esp_lock{120};
inline constexpr std::chrono::seconds short_esp_lock{5};

// Paths begin with "/" at the partition's root.
class EspFiles {
 public:
  EspFiles() = default;
  EspFiles(const EspFiles&) = default;
  EspFiles& operator=(const EspFiles&) = default;
  virtual ~EspFiles() = default;

  // Under a temporary name, synced, read back past the page cache, then renamed: a reader sees the whole file or none.
  virtual Result<void> put(const std::filesystem::path& from, const std::string& to) const = 0;
  virtual Result<void> put_text(const std::string& text, const std::string& to) const = 0;
  // Empty if there is no such file.
  virtual Result<std::string> read_text(const std::string& path) const = 0;
  // A copy of a file that is there.
  virtual Result<void> copy_out(const std::string& path, const std::filesystem::path& to) const = 0;
  // Names in a directory; none if it does not exist.
  virtual Result<std::vector<std::string>> list(const std::string& directory) const = 0;
  // Of a file that may be missing; synced.
  virtual Result<void> remove(const std::string& path) const = 0;
  // Synced. What had the new name is gone then.
  virtual Result<void> rename(const std::string& from, const std::string& to) const = 0;
  // Bytes of a file.
  virtual Result<std::uint64_t> size(const std::string& path) const = 0;
  virtual Result<std::uint64_t> free_bytes() const = 0;
  // For a change of several steps: nobody else begins one until the result goes.
  virtual Result<UniqueFd> lock(std::chrono::seconds limit) const = 0;
};

}  // namespace loam::slots
