#include "upgrade_medium.hpp"

#include <sys/mount.h>

#include <cerrno>
#include <filesystem>
#include <iostream>

#include "slots/release.hpp"
#include "sys/log.hpp"
#include "sys/subprocess.hpp"

namespace loam::node {

namespace fs = std::filesystem;

namespace {

constexpr const char* mount_point = "/run/loam/upgrade-medium";

}  // namespace

Result<std::string> UpgradeMedium::open(const std::string& where) {
  std::error_code none;
  if (!fs::is_block_file(where, none)) return where;
  fs::create_directories(mount_point, none);
  auto mounted = sys::run({"mount", "-o", "ro,nosuid,nodev,noexec", where, mount_point},
                          {.timeout = std::chrono::seconds(60), .input = {}, .environment = {}});
  if (!mounted)
    return std::unexpected(std::move(mounted).error().remedy(
        "name the partition with the release, or the whole medium if it was written from an ISO; lsblk -f shows them"));
  mounted_ = true;
  const auto ours = fs::path(mount_point) / "loam";
  return slots::find_manifest(ours) ? ours.string() : std::string(mount_point);
}

void forget_upgrade_medium() {
  if (::umount2(mount_point, MNT_DETACH) != 0 && errno != EINVAL && errno != ENOENT)
    sys::log(sys::Priority::error, Error::from_errno(mount_point).text());
}

UpgradeMedium::~UpgradeMedium() {
  if (mounted_ && ::umount2(mount_point, MNT_DETACH) != 0) std::cerr << Error::from_errno(mount_point).text() << '\n';
}

}  // namespace loam::node
