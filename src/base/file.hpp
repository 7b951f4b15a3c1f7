// Whole files: read with a limit, replaced atomically.
#pragma once

#include <sys/types.h>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/unique_fd.hpp"

namespace loam {

// flags as of open(2); O_CLOEXEC is added.
Result<UniqueFd> open_file(const std::filesystem::path& path, int flags, mode_t mode = 0);

// Past the page cache: direct where the file system can, which wants offsets, sizes and memory aligned to 4096 bytes;
// else through the cache with its pages dropped first.
Result<UniqueFd> open_uncached(const std::filesystem::path& path, int flags);

// The whole file. One of more than `limit` bytes is an error, and not read.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit = 16U << 20U);

// The same of a file that may be missing.
Result<std::optional<std::string>> read_if_there(const std::filesystem::path& path, std::size_t limit = 16U << 20U);

// The same of an open file, such as standard input; `name` is for messages.
Result<std::string> read_stream(int fd, std::string_view name, std::size_t limit = 16U << 20U);

// Writes beside the file, fsyncs, renames over it and fsyncs the directory: readers and a power cut see the old
// file or the new one. Missing parent directories are made.
Result<void> write_file_atomic(const std::filesystem::path& path, std::string_view content, mode_t mode = 0644);

// As write_file_atomic, but an identical file is left alone. True if it was written.
Result<bool> write_file_if_changed(const std::filesystem::path& path, std::string_view content, mode_t mode = 0644);

// All of the bytes, at this offset, whatever the kernel returns at a time.
Result<void> read_exact(int fd, std::span<std::byte> buffer, std::uint64_t offset);
Result<void> write_exact(int fd, std::span<const std::byte> data, std::uint64_t offset);

Result<void> write_zeros(int fd, std::uint64_t offset, std::uint64_t bytes);

// A small file of sysfs or proc without the blanks at its ends; empty if it cannot be read.
std::string read_value(const std::filesystem::path& path);

// Drawn by the kernel, in the usual form.
Result<std::string> random_uuid();

// flock(2), exclusive. udev has a disk's lock for the moment in which it looks at it: only one that stays for longer
// than the limit is somebody's.
Result<void> lock_exclusively(int fd, std::string_view name, std::chrono::milliseconds limit);

Result<void> fsync_fd(int fd, std::string_view what);

}  // namespace loam
