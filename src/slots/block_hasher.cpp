#include "slots/block_hasher.hpp"

#include <algorithm>
#include <future>
#include <thread>

#include "slots/verity.hpp"

namespace loam::slots {

namespace {

// More do not help: the disk is slower than these.
constexpr unsigned most_threads = 4;
// For fewer a thread costs more than it saves.
constexpr std::size_t least_blocks = 32;

void hash_blocks(SaltedSha256& hash, std::span<const std::byte> data, std::span<Digest> digests) {
  for (auto& digest : digests) {
    digest = hash(data.first(block_size));
    data = data.subspan(block_size);
  }
}

}  // namespace

BlockHasher::BlockHasher(std::span<const std::byte> salt) {
  const auto threads = std::clamp(std::thread::hardware_concurrency(), 1U, most_threads);
  hashes_.reserve(threads);
  for (unsigned i = 0; i < threads; ++i) hashes_.emplace_back(salt);
}

std::span<const Digest> BlockHasher::operator()(std::span<const std::byte> data) {
  const auto blocks = data.size() / block_size;
  digests_.resize(blocks);
  const auto threads = std::clamp<std::size_t>(blocks / least_blocks, 1, hashes_.size());
  const auto share = (blocks + threads - 1) / threads;
  const auto part = [&](std::size_t number) {
    const auto first = std::min(blocks, number * share);
    const auto count = std::min(share, blocks - first);
    hash_blocks(hashes_[number], data.subspan(first * block_size, count * block_size),
                std::span(digests_).subspan(first, count));
  };
  std::vector<std::future<void>> others;
  others.reserve(threads);
  for (std::size_t number = 1; number < threads; ++number)
    others.push_back(std::async(std::launch::async, part, number));
  part(0);
  for (auto& other : others) other.get();
  return digests_;
}

}  // namespace loam::slots
