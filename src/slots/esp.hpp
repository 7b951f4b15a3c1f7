// The EFI system partition inside a disk or disk image, through mtools(1): no mount, the same on a file and a disk.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "slots/esp_files.hpp"
#include "slots/layout.hpp"

namespace loam::slots {

class Esp : public EspFiles {
 public:
  Esp(std::filesystem::path disk, Extent extent, std::uint32_t sector_size)
      : disk_(std::move(disk)), extent_(extent), sector_size_(sector_size) {}

  // On a partition's own device node.
  static Esp of_partition(std::filesystem::path node) { return {std::move(node), {.offset = 0, .bytes = 0}, 512}; }

  // True if there is a file system at all: before it is made, there is nothing to be careful with.
  bool formatted() const;
  // In a file, never on a disk: mkfs.fat writes in an order that a power cut does not keep (esp_image.hpp).
  // volume_id: 8 hexadecimal digits.
  Result<void> format(const std::string& volume_id) const;
  Result<void> make_directory(const std::string& path) const;
  Result<void> put(const std::filesystem::path& from, const std::string& to) const override;
  Result<void> put_text(const std::string& text, const std::string& to) const override;
  Result<std::string> read_text(const std::string& path) const override;
  Result<void> copy_out(const std::string& path, const std::filesystem::path& to) const override;
  Result<std::vector<std::string>> list(const std::string& directory) const override;
  Result<void> remove(const std::string& path) const override;
  Result<void> rename(const std::string& from, const std::string& to) const override;
  Result<std::uint64_t> size(const std::string& path) const override;
  Result<std::uint64_t> free_bytes() const override;
  // Nobody else knows of it.
  Result<UniqueFd> lock(std::chrono::seconds /*limit*/) const override { return UniqueFd(); }
  // An error unless the file on the ESP, read past the page cache, is what `from` is.
  Result<void> check_copy(const std::filesystem::path& from, const std::string& copy) const;

 private:
  Result<std::string> mtool(std::vector<std::string> command, std::string input = {},
                            std::chrono::seconds limit = std::chrono::minutes(10)) const;
  Result<void> sync() const;

  std::filesystem::path disk_;
  Extent extent_;
  std::uint32_t sector_size_;
};

}  // namespace loam::slots
