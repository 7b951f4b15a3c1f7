// Blocks from a release into a slot, and a slot against its tree: every block is hashed before it is written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "base/error.hpp"
#include "slots/verity.hpp"

namespace loam::slots {

struct Progress {
  std::uint64_t done = 0;   // bytes
  std::uint64_t total = 0;  // bytes
};
using ProgressCallback = std::function<void(const Progress&)>;

// A range of a disk or file.
struct Place {
  std::filesystem::path path;
  std::uint64_t offset = 0;  // bytes, a multiple of 4096
};

struct FillOptions {
  // Reads the target first and leaves alone what is right there already: for a fill that was broken off.
  bool skip_identical = false;
};

struct FillReport {
  std::uint64_t written = 0;  // bytes
  std::uint64_t kept = 0;     // bytes that were right already
};

// Copies tree.data_bytes() bytes from source to target with direct I/O and syncs them. A block that does not match
// the tree stops it; nothing unverified is ever written.
Result<FillReport> fill(const Place& source, const Place& target, VerityTree& tree, const FillOptions& options,
                        const ProgressCallback& progress);

// Writes the verified data to a pipe.
Result<void> read_verified(const Place& source, VerityTree& tree, int out);

// Reads the place past the page cache and compares every block. The error names the first wrong block.
Result<void> verify(const Place& place, VerityTree& tree, const ProgressCallback& progress);

}  // namespace loam::slots
