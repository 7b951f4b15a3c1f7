// The root of live media: the release on the ISO 9660 volume, copied into memory where there is enough of it, so that
// a slow virtual drive is read once and can then go away.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <format>

#include "base/file.hpp"
#include "base/text.hpp"
#include "boot.hpp"
#include "slots/release.hpp"
#include "sys/subprocess.hpp"
#include "sys/udev.hpp"

namespace loam::boot {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view volume_label = "LOAM-LIVE";
constexpr const char* medium_path = "/run/loam/medium";
constexpr const char* memory_path = "/run/loam/release";

// Copies with a line on the console every few seconds: a BMC's virtual drive can take minutes.
class Copier {
 public:
  explicit Copier(std::uint64_t total) : total_(total) {}

  Result<void> copy(const fs::path& from, const fs::path& to) {
    LOAM_TRY(const auto in, open_file(from, O_RDONLY));
    LOAM_TRY(const auto out, open_file(to, O_WRONLY | O_CREAT | O_TRUNC, 0644));
    std::vector<char> buffer(1U << 20U);
    while (true) {
      const auto got = ::read(in.get(), buffer.data(), buffer.size());
      if (got < 0)
        return std::unexpected(
            Error::from_errno(from.string()).remedy("the medium is damaged; write it again or use another"));
      if (got == 0) return {};
      if (::write(out.get(), buffer.data(), static_cast<std::size_t>(got)) != got) return fail_errno(to.string());
      done_ += static_cast<std::uint64_t>(got);
      report();
    }
  }

 private:
  using Clock = std::chrono::steady_clock;
  void report() {
    const auto now = Clock::now();
    if (now - said_ < std::chrono::seconds(5)) return;
    said_ = now;
    const auto rate = static_cast<double>(done_) / std::chrono::duration<double>(now - started_).count();
    const auto left = static_cast<std::uint64_t>(static_cast<double>(total_ - done_) / rate);
    say(std::format("loading into memory: {} of {}, {}/s, {} left", format_bytes(done_), format_bytes(total_),
                    format_bytes(static_cast<std::uint64_t>(rate)), format_seconds(left)));
  }

  std::uint64_t total_;
  std::uint64_t done_ = 0;
  Clock::time_point started_ = Clock::now();
  Clock::time_point said_ = started_;
};

std::uint64_t available_memory() {
  const auto text = read_file("/proc/meminfo", 65536);
  if (!text) return 0;
  const std::string_view key = "MemAvailable:";
  const auto at = text->find(key);
  if (at == text->npos) return 0;
  const auto value = trim(std::string_view(*text).substr(at + key.size(), 32));
  std::uint64_t kib = 0;
  std::from_chars(value.data(), value.data() + value.size(), kib);
  return kib * 1024;
}

std::uint64_t total_size(const slots::Release& release) {
  std::uint64_t total = 0;
  for (const auto& [suffix, file] : release.manifest().files) total += file.size;
  return total;
}

Result<void> into_memory(const slots::Release& release) {
  const auto total = total_size(release);
  LOAM_CHECK(mount("tmpfs", memory_path, "tmpfs", MS_NOSUID | MS_NODEV,
                   std::format("mode=0755,size={}", total + (16U << 20U))));
  fs::create_directories(slots::live_release_path);
  say(std::format("loading the release into memory, {}", format_bytes(total)));
  Copier copier(total);
  for (const auto& [suffix, file] : release.manifest().files)
    LOAM_CHECK(copier.copy(release.file(suffix), fs::path(slots::live_release_path) / release.file(suffix).filename()));
  for (const auto* const suffix : {"json", "json.sig"})
    LOAM_CHECK(copier.copy(release.file(suffix), fs::path(slots::live_release_path) / release.file(suffix).filename()));
  return {};
}

Result<void> from_medium() {
  fs::create_directories(memory_path);
  return mount(medium_path, memory_path, "", MS_BIND);
}

Result<std::string> attach_loop(const fs::path& file) {
  LOAM_TRY(const auto attached, sys::run({"losetup", "--find", "--show", "--read-only", file.string()}));
  return std::string(trim(attached.out));
}

// Mounts the volume if it is the medium of the release that was booted.
Result<slots::Release> open_medium(const std::string& node, const std::string& root_hash) {
  LOAM_CHECK(mount(node, medium_path, "iso9660", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC));
  auto release = slots::Release::open_unsigned(std::format("{}/loam", medium_path));
  if (release && to_hex(release->manifest().root_hash) == root_hash) return release;
  ::umount2(medium_path, MNT_DETACH);
  if (!release) return std::unexpected(std::move(release).error().context(node));
  return fail(
      std::format("{} holds Loam {}, which is not the release that was booted", node, release->manifest().version),
      "leave only one Loam medium in the machine");
}

// The last medium that looked right decides the message.
Result<slots::Release> find_medium(const std::string& root_hash, slots::BootFacts& facts) {
  LOAM_TRY(const auto devices, sys::block_devices());
  auto found = Result<slots::Release>(
      fail(std::format("no drive shows the volume {} that this system was booted from", volume_label),
           "is the medium still there? A USB stick may need another port"));
  for (const auto& device : devices) {
    // Of a stick both the disk and its first partition show the volume; the disk is enough.
    if (device.is_partition() || device.property("ID_FS_LABEL") != volume_label) continue;
    found = open_medium(device.node(), root_hash);
    if (!found) continue;
    facts.disk.disk = device.node();
    return found;
  }
  return found;
}

}  // namespace

namespace {

Result<void> mount_release(const std::string& root_hash, slots::BootFacts& facts) {
  LOAM_TRY(const auto release, find_medium(root_hash, facts));
  constexpr std::uint64_t reserve = 1ULL << 30U;
  const bool fits = available_memory() > total_size(release) + reserve;
  LOAM_CHECK(fits ? into_memory(release) : from_medium());
  if (fits) ::umount2(medium_path, MNT_DETACH);
  LOAM_TRY(const auto held, slots::Release::open_unsigned(fs::path(slots::live_release_path)));
  LOAM_TRY(const auto data, attach_loop(held.file("root")));
  LOAM_TRY(const auto hashes, attach_loop(held.file("verity")));
  return mount_root(data, hashes, root_hash);
}

// The next attempt may be on another medium: nothing of this one stays.
void unmount_release() {
  for (const auto* const path : {memory_path, medium_path})
    while (::umount2(path, MNT_DETACH) == 0) {
    }
}

}  // namespace

Result<void> live_root(const std::string& root_hash, slots::BootFacts& facts) {
  return retry_on_devices(std::chrono::minutes(10), [&]() -> Result<void> {
    auto mounted = mount_release(root_hash, facts);
    if (!mounted) unmount_release();
    return mounted;
  });
}

}  // namespace loam::boot
