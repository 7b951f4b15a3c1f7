// What was promised about disks, kept over boots in /loam/disks.json: which are Ceph's, which consent was used up, and
// which wipe was begun. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "diskmgr/disk.hpp"

namespace loam::diskmgr {

inline constexpr std::string_view ledger_path = "/loam/disks.json";

enum class Purpose : std::uint8_t { data, metadata };

// A disk that is an OSD's, or is to be: counted, published and missed when it is gone.
struct Claim {
  std::string id;                  // identity when it was claimed
  std::vector<std::string> names;  // by which it is known again: those that go with the disk, not with its place
  std::string description;         // for messages when it is gone
  std::string slot;
  Purpose purpose = Purpose::data;
  std::string metadata;        // id of the device with its database; empty: it has none
  std::uint64_t db_bytes = 0;  // of that database; of a metadata device: of each database on it
  std::int64_t parts = 0;      // of a metadata device: databases that it has room for
  std::string osd_uuid;        // empty: it is no OSD yet
  std::string osd_id;
  bool operator==(const Claim&) const = default;
};

// A wipe that was begun: it goes on after a power cut, as long as nothing new is on the disk.
struct Wipe {
  std::string id;
  Content content;  // when the consent was given
  bool operator==(const Wipe&) const = default;
};

struct Ledger {
  std::vector<Claim> claims;
  std::vector<std::string> used_consents;  // ids in storage.wipe that were wiped already
  std::vector<Wipe> wipes;
  std::vector<std::string> erased;  // ids of disks that we wiped: old data between their ends is nobody's
  bool operator==(const Ledger&) const = default;

  // The claim on a disk; null if there is none.
  const Claim* of(const Facts& disk) const;
  Claim* of(const Facts& disk);
  const Claim* find(std::string_view id) const;
};

// The names that go with the disk; those of its place only if it has no others.
std::vector<std::string> lasting_names(const Facts& disk);

std::string to_json(const Ledger& ledger);
// An error if it is no ledger: then nothing may be claimed or wiped, for what was promised is not known.
Result<Ledger> parse_ledger(std::string_view json);

}  // namespace loam::diskmgr
