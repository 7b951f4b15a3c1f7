// A whole EFI system partition, made in a file and brought to a disk: until its boot sector is there, which comes last
// and is one write, firmware finds no file system; then it finds all of it. FAT has no journal, so filling one on the
// disk would leave what neither boots nor can be read at many a power cut.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "base/error.hpp"
#include "slots/esp.hpp"

namespace loam::slots {

// `fill` puts the files on an empty file system of the partition's size. What the partition held is gone from the first
// write on. The disk is read back past the page cache before its boot sector is written.
Result<void> write_esp(const std::filesystem::path& disk, const Extent& extent, std::uint32_t sector_size,
                       const std::function<Result<void>(const Esp&)>& fill);

}  // namespace loam::slots
