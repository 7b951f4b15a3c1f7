#include "slots/block_io.hpp"

#include <fcntl.h>

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "base/file.hpp"

namespace loam::slots {

namespace {

// What is asked for at random is read with a little behind it, what is asked for in order in large pieces.
constexpr std::uint64_t scattered_blocks = 16;

}  // namespace

Result<BlockReader> BlockReader::open(const Place& place, std::uint64_t blocks) {
  LOAM_TRY(auto fd, open_uncached(place.path, O_RDONLY));
  return BlockReader(std::move(fd), place, blocks);
}

// The next piece is read while this one is used.
void BlockReader::read_ahead() {
  next_first_ = first_ + held_;
  next_blocks_ = std::min<std::uint64_t>(next_.size() / block_size, blocks_ - next_first_);
  if (next_blocks_ == 0) return;
  reading_ = std::async(std::launch::async,
                        [fd = fd_.get(), data = next_.first(next_blocks_ * block_size),
                         offset = place_.offset + next_first_ * block_size] { return read_exact(fd, data, offset); });
}

// False where it has not the block, or could not be read: then it is read by itself.
bool BlockReader::take_ahead(std::uint64_t index) {
  if (!reading_.valid()) return false;
  const bool read = reading_.get().has_value();
  if (!read) doubtful_end_ = next_first_ + next_blocks_;
  if (!read || index != next_first_) return false;
  std::swap(buffer_, next_);
  first_ = next_first_;
  held_ = next_blocks_;
  return true;
}

Result<void> BlockReader::read_piece(std::uint64_t index, std::uint64_t count) {
  held_ = 0;
  auto read = read_exact(fd_.get(), buffer_.first(count * block_size), place_.offset + index * block_size);
  if (!read) return std::unexpected(std::move(read).error().context(place_.path.string()));
  first_ = index;
  held_ = count;
  return {};
}

// A disk tries for seconds at a sector that it cannot read: one in a piece is met twice, not once for each block before
// it, and what else is in the piece is had.
Result<void> BlockReader::fill(std::uint64_t index) {
  const bool in_order = held_ > 0 && index == first_ + held_;
  if (take_ahead(index)) {
    read_ahead();
    return {};
  }
  if (index < doubtful_end_) return read_piece(index, 1);
  const std::uint64_t wanted = in_order ? buffer_.size() / block_size : scattered_blocks;
  const auto count = std::min(wanted, blocks_ - index);
  if (!read_piece(index, count)) {
    doubtful_end_ = index + count;
    return read_piece(index, 1);
  }
  if (in_order) read_ahead();
  return {};
}

Result<std::span<const std::byte, block_size>> BlockReader::get(std::uint64_t index) {
  LOAM_TRY(const auto held, run(index));
  return held.first<block_size>();
}

Result<std::span<const std::byte>> BlockReader::run(std::uint64_t index) {
  if (index >= blocks_) return fail(place_.path.string() + ": a block behind its end was asked for");
  if (index < first_ || index >= first_ + held_) LOAM_CHECK(fill(index));
  const auto skipped = (index - first_) * block_size;
  return std::span<const std::byte>(buffer_.first(held_ * block_size)).subspan(skipped);
}

Result<BlockWriter> BlockWriter::open(const Place& place) {
  LOAM_TRY(auto fd, open_uncached(place.path, O_RDWR));
  return BlockWriter(std::move(fd), place);
}

Result<void> BlockWriter::put(std::uint64_t index, Block data) {
  if (held_ > 0 && (index != first_ + held_ || held_ == buffer_.size() / block_size)) LOAM_CHECK(flush());
  if (held_ == 0) first_ = index;
  std::ranges::copy(data, buffer_.block(held_).begin());
  ++held_;
  return {};
}

namespace {

Result<void> write_blocks(int fd, std::span<const std::byte> data, std::uint64_t offset, const std::string& path) {
  auto wrote = write_exact(fd, data, offset);
  if (wrote) return wrote;
  return std::unexpected(
      std::move(wrote).error().context(path).remedy("the disk does not keep what is written to it; replace it"));
}

}  // namespace

Result<void> BlockWriter::wait() { return writing_.valid() ? writing_.get() : Result<void>{}; }

// The full buffer is written while the other is filled.
Result<void> BlockWriter::flush() {
  LOAM_CHECK(wait());
  if (held_ == 0) return {};
  std::swap(buffer_, other_);
  const auto data = other_.first(held_ * block_size);
  const auto offset = place_.offset + first_ * block_size;
  held_ = 0;
  writing_ = std::async(std::launch::async, [fd = fd_.get(), data, offset, path = place_.path.string()] {
    return write_blocks(fd, data, offset, path);
  });
  return {};
}

Result<void> BlockWriter::sync() {
  LOAM_CHECK(flush());
  LOAM_CHECK(wait());
  return fsync_fd(fd_.get(), place_.path.string());
}

}  // namespace loam::slots
