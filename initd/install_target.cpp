#include "install_target.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <format>

#include "base/file.hpp"
#include "base/text.hpp"
#include "diskmgr/disk_table.hpp"
#include "diskmgr/drivers.hpp"
#include "diskmgr/observe.hpp"
#include "diskmgr/probe.hpp"
#include "slots/install_apply.hpp"

namespace loam::node {

namespace {

// Made when the image is built: what its initrd can load, one module a line.
constexpr const char* initrd_modules = "/usr/lib/loam/initrd-modules";

Result<void> read_size(const UniqueFd& fd, slots::InstallTarget& target, std::uint32_t sector_size) {
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return fail_errno(target.path.string());
  if (S_ISREG(info.st_mode)) {
    target.bytes = static_cast<std::uint64_t>(info.st_size);
    target.sector_size = sector_size;
    return {};
  }
  int sectors = 0;
  if (::ioctl(fd.get(), BLKGETSIZE64, &target.bytes) != 0 || ::ioctl(fd.get(), BLKSSZGET, &sectors) != 0)
    return fail_errno(target.path.string());
  target.sector_size = static_cast<std::uint32_t>(sectors);
  return {};
}

}  // namespace

Result<UniqueFd> claim_disk(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return fail_errno(path);
  if (S_ISBLK(info.st_mode)) {
    const UniqueFd exclusive(::open(path.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC));
    if (!exclusive) return std::unexpected(Error::from_errno(path).remedy("the disk is in use; choose another"));
  }
  // sfdisk must be able to tell the kernel about new partitions, which an O_EXCL open would refuse: the lock stays.
  // Our children inherit the lock: whoever starts again waits for a mkfs that outlived us.
  UniqueFd fd(::open(path.c_str(), O_RDONLY));  // NOLINT(android-cloexec-open)
  if (!fd) return fail_errno(path);
  if (auto locked = lock_exclusively(fd.get(), path, std::chrono::minutes(1)); !locked)
    return std::unexpected(std::move(locked).error().remedy("is an installation running already?"));
  return fd;
}

namespace {

// Kernel names move: the node that was chosen must still be the disk that was meant, now that it is claimed.
Result<void> check_identity(const std::string& path, const std::string& id) {
  LOAM_TRY(auto all, diskmgr::enumerate());
  const auto disks = diskmgr::classify(std::move(all), "");
  const auto found = std::ranges::find(disks, path, [](const auto& disk) { return disk.facts.node; });
  if (found != disks.end() && found->facts.id == id) return {};
  return fail(std::format("{} is {}, {} was expected; nothing was written", path,
                          found == disks.end() ? "gone" : found->facts.id, id),
              "disks were added or removed meanwhile; try again");
}

// The live system has more drivers than the initrd, which must find the disk at the next boot.
Result<void> check_drivers(const std::string& path, const std::string& id) {
  LOAM_TRY(const auto listed, read_file(initrd_modules));
  const auto missing = diskmgr::modules_not_in(diskmgr::disk_modules(path), listed);
  if (missing.empty()) return {};
  return fail(std::format("{} needs the driver {}, which the installed system has too late to boot from it", id,
                          join(missing, " and ")),
              "choose a disk on another controller, and report this one");
}

}  // namespace

Result<void> check_disk(const std::string& path, const std::string& id) {
  if (id.empty()) return {};
  LOAM_CHECK(check_identity(path, id));
  return check_drivers(path, id);
}

Result<slots::InstallTarget> observe_disk(const UniqueFd& claimed, const std::string& path, const std::string& id,
                                          std::uint32_t sector_size, bool wipe_consented) {
  slots::InstallTarget target{.id = id.empty() ? path : id,
                              .path = path,
                              .bytes = 0,
                              .sector_size = 512,
                              .blank = false,
                              .content = {},
                              .wipe_consented = wipe_consented,
                              .gpt = {},
                              .bootable = false,
                              .config_sha256 = {},
                              .installed_sha256 = {}};
  LOAM_CHECK(read_size(claimed, target, sector_size));
  LOAM_TRY(const auto content, diskmgr::probe_content(path));
  target.blank = content.blank();
  target.content = to_text(content);
  LOAM_CHECK(slots::observe_target(target));
  return target;
}

}  // namespace loam::node
