// Takes a disk for Ceph: proves under an exclusive lock that it is the one that was meant and that what is on it is
// what was known, erases it where consent was given, and proves that it is blank.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "diskmgr/content.hpp"
#include "diskmgr/lvm.hpp"

namespace loam::diskmgr {

// The disk for us alone: nobody has it or a part of it mounted, stacked upon or locked. An error says who has it, as
// far as that is known. limit: how long a lock is waited for; udev has one for a moment whenever a disk changed.
Result<UniqueFd> lock_disk(const std::string& node, std::chrono::milliseconds limit);

// Everything by which somebody could see something on a disk of this size: both ends, every place where a label of
// Ceph or a copy of a superblock may stand, and where something was found. In order, none overlaps another. Pure.
std::vector<Extent> wipe_places(std::uint64_t bytes, const Content& found);

// none: it must be blank. given: it may be erased if nothing more is on it than was seen. begun: it was being erased
// already, so of what was seen there may be less, or unknown remains.
enum class Consent : std::uint8_t { none, given, begun };

struct ClaimOrder {
  std::vector<std::string> nodes;  // of the disk; more than one if there are several paths to it
  Content expected;                // what is on it as far as is known
  Consent consent = Consent::none;
};

struct ClaimSteps {
  // "lock", "look", and when it is erased "discard", "erase", "verify": from "discard" on it is written to.
  std::function<void(std::string_view step)> say = [](std::string_view) {};
  // Called when the disk is locked, before anything is read: is it still the one that was meant? Kernel names move.
  std::function<Result<void>(int fd)> check_identity = [](int) { return Result<void>{}; };
  std::chrono::milliseconds lock_limit{10'000};
};

// What is on it then: nothing, or old data between its ends, which of a disk that was erased before is as good as blank
// if it is expected. Whatever is begun can be done again.
Result<Content> claim_disk(const ClaimOrder& order, const ClaimSteps& steps);

}  // namespace loam::diskmgr
