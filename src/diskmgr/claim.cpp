#include "diskmgr/claim.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <format>
#include <span>

#include "base/file.hpp"
#include "diskmgr/bluestore.hpp"
#include "diskmgr/probe.hpp"
#include "diskmgr/use.hpp"

namespace loam::diskmgr {

namespace {

constexpr std::uint64_t mebibyte = 1U << 20U;
constexpr std::uint64_t gibibyte = 1U << 30U;
// GPT and its copy, LVM's and MD's metadata, ZFS's four labels, and whatever else keeps to the ends.
constexpr std::uint64_t end_bytes = 16 * mebibyte;
// Copies of Btrfs's superblock (btrfs(5)); blkid looks at the first only.
constexpr std::array<std::uint64_t, 2> btrfs_copies = {64 * mebibyte, 256 * gibibyte};

}  // namespace

Result<UniqueFd> lock_disk(const std::string& node, std::chrono::milliseconds limit) {
  UniqueFd fd(::open(node.c_str(), O_RDWR | O_EXCL | O_CLOEXEC));
  if (!fd && errno == EBUSY) {
    const auto who = used_by(node);
    return fail(std::format("{} is in use: {}", node, who.empty() ? "a program holds it for itself" : who),
                "nothing was written; stop what uses it");
  }
  if (!fd) return fail_errno(node);
  if (auto locked = lock_exclusively(fd.get(), node, limit); !locked)
    return std::unexpected(std::move(locked).error().remedy("nothing was written; stop what works on it"));
  return fd;
}

namespace {

// Sorted, clipped to the disk, and merged where they touch.
std::vector<Extent> merged(std::vector<Extent> places, std::uint64_t bytes) {
  std::ranges::sort(places, {}, &Extent::offset);
  std::vector<Extent> result;
  for (auto place : places) {
    if (place.offset >= bytes) continue;
    place.bytes = std::min(place.bytes, bytes - place.offset);
    if (!result.empty() && place.offset <= result.back().offset + result.back().bytes) {
      const auto end = std::max(result.back().offset + result.back().bytes, place.offset + place.bytes);
      result.back().bytes = end - result.back().offset;
    } else {
      result.push_back(place);
    }
  }
  return result;
}

}  // namespace

std::vector<Extent> wipe_places(std::uint64_t bytes, const Content& found) {
  std::vector<Extent> places = {{0, end_bytes}, {bytes - std::min(bytes, end_bytes), end_bytes}};
  for (const auto offset : bluestore_label_offsets) places.push_back({offset, mebibyte});
  for (const auto offset : btrfs_copies) places.push_back({offset, mebibyte});
  // Aligned down: what is known by its end, as some RAID superblocks are, begins before.
  for (const auto& signature : found.signatures)
    places.push_back({signature.offset / mebibyte * mebibyte, 2 * mebibyte});
  for (const auto& part : found.ceph) places.push_back({part.offset / mebibyte * mebibyte, 2 * mebibyte});
  return merged(std::move(places), bytes);
}

namespace {

// Flash forgets what it held. A disk that cannot is none the worse for it: zeros are written anyway.
void discard(int fd, std::uint64_t bytes) {
  std::array<std::uint64_t, 2> range = {0, bytes};
  static_cast<void>(::ioctl(fd, BLKDISCARD, range.data()));
}

Result<std::uint64_t> size_of(int fd, const std::string& node) {
  const auto end = ::lseek(fd, 0, SEEK_END);
  if (end < 0) return fail_errno(node);
  return static_cast<std::uint64_t>(end);
}

// The last look before the first write.
Result<void> check_content(const std::string& node, const ClaimOrder& order, const Content& now) {
  const auto& expected = order.expected;
  if (now.blank()) return {};
  if (order.consent == Consent::none) {
    if (now.only_between_ends() && expected == now) return {};
    return fail(std::format("{} was blank and holds {} now; nothing was written", node, to_text(now)),
                "somebody else uses it, or it is another disk; loamctl disks shows it");
  }
  if (order.consent == Consent::begun ? remains(expected, now) : nothing_new(expected, now)) return {};
  return fail(std::format("{} holds {} now; the consent to erase it was given for {}; nothing was written", node,
                          to_text(now), to_text(expected)),
              "loamctl disks shows what is there; give the consent anew");
}

// Places of what was there before a wipe was begun, too: when a partition table is gone, nobody sees what is in
// partitions.
Content both(const Content& expected, Content found) {
  found.signatures.insert(found.signatures.end(), expected.signatures.begin(), expected.signatures.end());
  found.ceph.insert(found.ceph.end(), expected.ceph.begin(), expected.ceph.end());
  return found;
}

// What remains: nothing, or old data between its ends.
Result<Content> erase(int fd, const std::string& node, const Content& found, const ClaimSteps& steps) {
  LOAM_TRY(const auto bytes, size_of(fd, node));
  steps.say("discard");
  discard(fd, bytes);
  steps.say("erase");
  for (const auto& place : wipe_places(bytes, found)) LOAM_CHECK(write_zeros(fd, place.offset, place.bytes));
  LOAM_CHECK(fsync_fd(fd, node));
  // What is read next comes from the disk.
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  static_cast<void>(::ioctl(fd, BLKFLSBUF, 0));
  steps.say("verify");
  LOAM_TRY(auto left, probe_content(fd, node));
  if (left.blank() || left.only_between_ends()) return left;
  return fail(std::format("{} was erased, and still holds {}", node, to_text(left)),
              "the disk does not keep what is written to it; replace it");
}

}  // namespace

Result<Content> claim_disk(const ClaimOrder& order, const ClaimSteps& steps) {
  steps.say("lock");
  std::vector<UniqueFd> paths;
  for (const auto& path : order.nodes) {
    LOAM_TRY(auto fd, lock_disk(path, steps.lock_limit));
    paths.push_back(std::move(fd));
  }
  const auto& node = order.nodes.front();
  const int fd = paths.front().get();
  LOAM_CHECK(steps.check_identity(fd));
  steps.say("look");
  LOAM_TRY(auto found, probe_content(fd, node));
  LOAM_CHECK(check_content(node, order, found));
  if (order.consent == Consent::none) return found;
  LOAM_TRY(auto left, erase(fd, node, both(order.expected, std::move(found)), steps));
  // Partitions that are no more; nothing can have them open.
  static_cast<void>(::ioctl(fd, BLKRRPART, 0));
  return left;
}

}  // namespace loam::diskmgr
