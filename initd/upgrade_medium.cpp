#include "upgrade_medium.hpp"

#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <format>
#include <string>

#include "slots/release.hpp"
#include "sys/log.hpp"
#include "sys/subprocess.hpp"

namespace loam::node {

namespace fs = std::filesystem;

namespace {

// Two may look at one medium at a time.
std::string mount_point(int pid) { return std::format("/run/loam/upgrade-medium-{}", pid); }

void unmount(int pid) {
  const auto path = mount_point(pid);
  if (::umount2(path.c_str(), MNT_DETACH) != 0 && errno != EINVAL && errno != ENOENT)
    sys::log(sys::Priority::error, Error::from_errno(path).text());
  ::rmdir(path.c_str());
}

}  // namespace

Result<std::string> UpgradeMedium::open(const std::string& where) {
  std::error_code none;
  if (!fs::is_block_file(where, none)) return where;
  const auto path = mount_point(::getpid());
  fs::create_directories(path, none);
  auto mounted = sys::run({"mount", "-o", "ro,nosuid,nodev,noexec", where, path},
                          {.timeout = std::chrono::seconds(60), .input = {}, .environment = {}});
  if (!mounted)
    return std::unexpected(std::move(mounted).error().remedy(
        "name the partition with the release, or the whole medium if it was written from an ISO; lsblk -f shows them"));
  mounted_ = true;
  const auto ours = fs::path(path) / "loam";
  return slots::find_manifest(ours) ? ours.string() : path;
}

void forget_upgrade_medium(int pid) { unmount(pid); }

UpgradeMedium::~UpgradeMedium() {
  if (mounted_) unmount(::getpid());
}

}  // namespace loam::node
