// Single blocks of a slot, read and written in large pieces with direct I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <future>

#include "base/aligned_buffer.hpp"
#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "slots/transfer.hpp"

namespace loam::slots {

class BlockReader {
 public:
  // blocks: how many there are behind the start of the place.
  static Result<BlockReader> open(const Place& place, std::uint64_t blocks);
  std::uint64_t blocks() const { return blocks_; }
  // The block as it was when it, or one shortly before it, was asked for. Good until the next call.
  Result<std::span<const std::byte, block_size>> get(std::uint64_t index);
  // The same of this block and those behind it that are there with it: at least one, at most 1 MiB.
  Result<std::span<const std::byte>> run(std::uint64_t index);

 private:
  BlockReader(UniqueFd fd, Place place, std::uint64_t blocks)
      : fd_(std::move(fd)), place_(std::move(place)), blocks_(blocks) {}
  Result<void> fill(std::uint64_t index);
  Result<void> read_piece(std::uint64_t index, std::uint64_t count);
  bool take_ahead(std::uint64_t index);
  void read_ahead();

  UniqueFd fd_;
  Place place_;
  std::uint64_t blocks_ = 0;
  AlignedBuffer buffer_{std::size_t{1} << 20U};
  std::uint64_t first_ = 0;         // in the buffer
  std::uint64_t held_ = 0;          // blocks in the buffer
  std::uint64_t doubtful_end_ = 0;  // up to here blocks are read one by one: a piece could not be
  // What comes next, where blocks are asked for in order.
  AlignedBuffer next_{std::size_t{1} << 20U};
  std::uint64_t next_first_ = 0;
  std::uint64_t next_blocks_ = 0;
  std::future<Result<void>> reading_;  // the last member: its end is waited for before the buffers go
};

class BlockWriter {
 public:
  static Result<BlockWriter> open(const Place& place);
  // In any order; blocks in a row are written together.
  Result<void> put(std::uint64_t index, Block data);
  // All that was put is on the disk.
  Result<void> sync();

 private:
  BlockWriter(UniqueFd fd, Place place) : fd_(std::move(fd)), place_(std::move(place)) {}
  Result<void> flush();
  Result<void> wait();

  UniqueFd fd_;
  Place place_;
  static constexpr std::size_t piece_bytes = std::size_t{4} << 20U;  // a disk takes smaller ones more slowly
  AlignedBuffer buffer_{piece_bytes};
  AlignedBuffer other_{piece_bytes};  // what is being written
  std::uint64_t first_ = 0;
  std::uint64_t held_ = 0;
  std::future<Result<void>> writing_;  // the last member: its end is waited for before the buffers go
};

}  // namespace loam::slots
