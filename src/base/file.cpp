#include "base/file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <format>
#include <thread>
#include <vector>

#include "base/text.hpp"

namespace loam {

namespace fs = std::filesystem;

Result<UniqueFd> open_file(const fs::path& path, int flags, mode_t mode) {
  UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
  if (!fd) return fail_errno(path.string());
  return fd;
}

Result<std::string> read_file(const fs::path& path, std::size_t limit) {
  LOAM_TRY(const auto fd, open_file(path, O_RDONLY));
  return read_stream(fd.get(), path.string(), limit);
}

Result<std::optional<std::string>> read_if_there(const fs::path& path, std::size_t limit) {
  auto text = read_file(path, limit);
  if (text) return *std::move(text);
  if (text.error().code() == ENOENT) return std::optional<std::string>{};
  return std::unexpected(std::move(text).error());
}

Result<UniqueFd> open_uncached(const fs::path& path, int flags) {
  if (auto direct = open_file(path, flags | O_DIRECT)) return direct;
  LOAM_TRY(auto fd, open_file(path, flags));
  ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
  return fd;
}

Result<std::string> read_stream(int fd, std::string_view name, std::size_t limit) {
  std::string content;
  std::array<char, 65536> chunk{};
  while (true) {
    const auto got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(name);
    if (got == 0) return content;
    content.append(chunk.data(), static_cast<std::size_t>(got));
    if (content.size() > limit) return fail(std::format("{}: is larger than {} bytes", name, limit));
  }
}

namespace {

Result<void> write_all(int fd, std::string_view content, const fs::path& path) {
  while (!content.empty()) {
    const auto wrote = ::write(fd, content.data(), content.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return fail_errno(path.string());
    content.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return {};
}

Result<void> write_aside(const fs::path& aside, std::string_view content, mode_t mode) {
  LOAM_TRY(auto fd, open_file(aside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode));
  // The umask does not decide about secrets.
  if (::fchmod(fd.get(), mode) != 0) return fail_errno(aside.string());
  LOAM_CHECK(write_all(fd.get(), content, aside));
  return fsync_fd(fd.get(), aside.string());
}

}  // namespace

Result<void> write_file_atomic(const fs::path& path, std::string_view content, mode_t mode) {
  const auto directory = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::error_code made;
  fs::create_directories(directory, made);
  if (made) return fail_errno(directory.string(), made.value());

  const auto aside = directory / std::format(".{}.new", path.filename().string());
  if (auto wrote = write_aside(aside, content, mode); !wrote) {
    ::unlink(aside.c_str());
    return wrote;
  }
  if (::rename(aside.c_str(), path.c_str()) != 0) return fail_errno(path.string());
  LOAM_TRY(auto parent, open_file(directory, O_RDONLY | O_DIRECTORY));
  return fsync_fd(parent.get(), directory.string());
}

Result<bool> write_file_if_changed(const fs::path& path, std::string_view content, mode_t mode) {
  if (auto old = read_file(path); old && *old == content) return false;
  LOAM_CHECK(write_file_atomic(path, content, mode));
  return true;
}

Result<void> read_exact(int fd, std::span<std::byte> buffer, std::uint64_t offset) {
  while (!buffer.empty()) {
    const auto got = ::pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(std::format("reading {} bytes at {}", buffer.size(), offset));
    if (got == 0) return fail(std::format("ends at byte {}, {} more were expected", offset, buffer.size()));
    buffer = buffer.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return {};
}

Result<void> write_exact(int fd, std::span<const std::byte> data, std::uint64_t offset) {
  while (!data.empty()) {
    const auto wrote = ::pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return fail_errno(std::format("writing {} bytes at {}", data.size(), offset));
    data = data.subspan(static_cast<std::size_t>(wrote));
    offset += static_cast<std::uint64_t>(wrote);
  }
  return {};
}

Result<void> write_zeros(int fd, std::uint64_t offset, std::uint64_t bytes) {
  const std::vector<std::byte> zeros(1U << 20U);
  while (bytes > 0) {
    const auto count = std::min<std::uint64_t>(bytes, zeros.size());
    LOAM_CHECK(write_exact(fd, std::span(zeros).first(count), offset));
    offset += count;
    bytes -= count;
  }
  return {};
}

std::string read_value(const std::filesystem::path& path) {
  const auto text = read_file(path, 4096);
  return text ? std::string(trim(*text)) : "";
}

Result<std::string> random_uuid() {
  LOAM_TRY(const auto text, read_file("/proc/sys/kernel/random/uuid", 64));
  return std::string(trim(text));
}

Result<void> lock_exclusively(int fd, std::string_view name, std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (std::chrono::steady_clock::now() > deadline)
      return fail(std::format("{} is locked by another program for over {} s", name, limit.count() / 1000));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // flock(2) has no time limit of its own
  }
  return {};
}

Result<void> fsync_fd(int fd, std::string_view what) {
  if (::fsync(fd) != 0) return fail_errno(std::format("{}: fsync", what));
  return {};
}

}  // namespace loam
