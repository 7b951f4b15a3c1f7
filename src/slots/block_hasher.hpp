// Digests of many blocks, on several processors: hashing is what a slot's reading and writing waits for.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "slots/sha256.hpp"

namespace loam::slots {

class BlockHasher {
 public:
  explicit BlockHasher(std::span<const std::byte> salt);
  // One for each block; good until the next call. data: whole blocks.
  std::span<const Digest> operator()(std::span<const std::byte> data);

 private:
  std::vector<SaltedSha256> hashes_;  // one a thread
  std::vector<Digest> digests_;
};

}  // namespace loam::slots
