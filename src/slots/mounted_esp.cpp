#include "slots/mounted_esp.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <chrono>
#include <format>
#include <vector>

#include "base/file.hpp"
#include "slots/sha256.hpp"

namespace loam::slots {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t copy_bytes = std::size_t{1} << 20U;
constexpr std::size_t text_limit = 64U << 10U;

Result<void> copy_synced(const fs::path& from, const fs::path& to) {
  LOAM_TRY(const auto in, open_file(from, O_RDONLY));
  LOAM_TRY(const auto out, open_file(to, O_WRONLY | O_CREAT | O_TRUNC, 0600));
  std::vector<std::byte> piece(copy_bytes);
  for (std::uint64_t offset = 0;;) {
    const auto got = ::pread(in.get(), piece.data(), piece.size(), static_cast<off_t>(offset));
    if (got < 0) return fail_errno(from.string());
    if (got == 0) return fsync_fd(out.get(), to.string());
    const auto some = std::span(piece).first(static_cast<std::size_t>(got));
    if (auto wrote = write_exact(out.get(), some, offset); !wrote)
      return std::unexpected(std::move(wrote).error().context(to.string()));
    offset += some.size();
  }
}

}  // namespace

Result<MountedEsp> MountedEsp::mounted_at(const fs::path& root) {
  struct statfs info{};
  if (::statfs(root.c_str(), &info) != 0) return fail_errno(root.string());
  if (info.f_type == MSDOS_SUPER_MAGIC) return MountedEsp(root);
  return fail(std::format("{} is not the EFI system partition: it is not mounted", root.string()),
              "systemctl status efi.mount says why");
}

// FAT has no journal: a rename is safe when everything of the file system is on the disk.
Result<void> MountedEsp::sync() const {
  LOAM_TRY(const auto fd, open_file(root_, O_RDONLY | O_DIRECTORY));
  if (::syncfs(fd.get()) != 0) return fail_errno(root_.string());
  return {};
}

Result<void> MountedEsp::put(const fs::path& from, const std::string& to) const {
  const auto aside = to + ".new";
  std::error_code problem;
  fs::create_directories(at(to).parent_path(), problem);
  if (problem) return fail_errno(at(to).parent_path().string(), problem.value());
  LOAM_CHECK(copy_synced(from, at(aside)));
  LOAM_CHECK(sync());
  LOAM_TRY(const auto wanted, sha256_file(from));
  LOAM_TRY(const auto found, digest(aside));
  if (wanted == found) return rename(aside, to);
  return fail(std::format("{} reads back otherwise than it was written", at(aside).string()),
              "the disk does not keep what is written to it; replace it");
}

Result<std::string> MountedEsp::digest(const std::string& path) const {
  {
    LOAM_TRY(const auto fd, open_file(at(path), O_RDONLY));
    ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
  }
  return sha256_file(at(path));
}

Result<void> MountedEsp::put_text(const std::string& text, const std::string& to) const {
  LOAM_CHECK(write_file_atomic(at(to), text, 0600));
  return sync();
}

Result<std::string> MountedEsp::read_text(const std::string& path) const {
  LOAM_TRY(auto text, read_if_there(at(path), text_limit));
  return std::move(text).value_or("");
}

Result<void> MountedEsp::copy_out(const std::string& path, const fs::path& to) const {
  return copy_synced(at(path), to);
}

Result<std::vector<std::string>> MountedEsp::list(const std::string& directory) const {
  std::vector<std::string> names;
  std::error_code problem;
  for (auto entry = fs::directory_iterator(at(directory), problem); entry != fs::directory_iterator();
       entry.increment(problem))
    names.push_back(entry->path().filename().string());
  if (problem && problem != std::errc::no_such_file_or_directory)
    return fail_errno(at(directory).string(), problem.value());
  return names;
}

Result<void> MountedEsp::remove(const std::string& path) const {
  if (::unlink(at(path).c_str()) != 0 && errno != ENOENT) return fail_errno(at(path).string());
  return sync();
}

Result<void> MountedEsp::rename(const std::string& from, const std::string& to) const {
  if (::rename(at(from).c_str(), at(to).c_str()) != 0) return fail_errno(at(from).string());
  return sync();
}

Result<std::uint64_t> MountedEsp::size(const std::string& path) const {
  std::error_code problem;
  const auto bytes = fs::file_size(at(path), problem);
  if (problem) return fail_errno(at(path).string(), problem.value());
  return bytes;
}

Result<std::uint64_t> MountedEsp::free_bytes() const {
  struct statvfs info{};
  if (::statvfs(root_.c_str(), &info) != 0) return fail_errno(root_.string());
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

Result<UniqueFd> MountedEsp::lock(std::chrono::seconds limit) const {
  LOAM_TRY(auto folder, open_file(root_, O_RDONLY | O_DIRECTORY));
  if (auto locked = lock_exclusively(folder.get(), root_.string(), limit); !locked)
    return std::unexpected(
        std::move(locked).error().remedy("a release is being blessed or put back; try again in a minute"));
  return folder;
}

}  // namespace loam::slots
