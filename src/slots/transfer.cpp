#include "slots/transfer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <format>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/aligned_buffer.hpp"
#include "base/file.hpp"
#include "slots/block_hasher.hpp"

namespace loam::slots {

namespace {

constexpr std::size_t chunk_bytes = 4U << 20U;
constexpr std::size_t chunks_in_flight = 4;

struct Chunk {
  AlignedBuffer buffer{chunk_bytes};
  std::uint64_t offset = 0;  // from the start of the data
  std::size_t bytes = 0;
};

// Hands chunks from the reading to the writing thread; a fixed number of buffers bounds the memory.
class Conveyor {
 public:
  // An empty buffer, or null when the consumer stopped.
  std::unique_ptr<Chunk> take_empty() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopped_ || !empty_.empty() || made_ < chunks_in_flight; });
    if (stopped_) return nullptr;
    if (empty_.empty()) {
      ++made_;
      return std::make_unique<Chunk>();
    }
    auto chunk = std::move(empty_.back());
    empty_.pop_back();
    return chunk;
  }
  void put_full(std::unique_ptr<Chunk> chunk) {
    with_lock([&] { full_.push_back(std::move(chunk)); });
  }
  void put_empty(std::unique_ptr<Chunk> chunk) {
    with_lock([&] { empty_.push_back(std::move(chunk)); });
  }
  void end(Result<void> result) {
    with_lock([&] { ended_ = std::move(result); });
  }
  void stop() {
    with_lock([&] { stopped_ = true; });
  }

  // The next chunk, or null at the end or after an error, which result() has.
  std::unique_ptr<Chunk> take_full() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !full_.empty() || ended_; });
    if (full_.empty()) return nullptr;
    auto chunk = std::move(full_.front());
    full_.pop_front();
    return chunk;
  }
  Result<void> result() {
    const std::scoped_lock lock(mutex_);
    return *ended_;
  }

 private:
  template <typename Change>
  void with_lock(Change change) {
    const std::scoped_lock lock(mutex_);
    change();
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Chunk>> full_;
  std::deque<std::unique_ptr<Chunk>> empty_;
  std::size_t made_ = 0;
  bool stopped_ = false;
  std::optional<Result<void>> ended_;
};

struct StopOnExit {
  Conveyor* conveyor;
  ~StopOnExit() { conveyor->stop(); }
};

// What to do where the place that is read from does not give what was once written there.
constexpr std::string_view bad_medium = "the medium is damaged; write it again or use another";
constexpr std::string_view bad_disk = "the disk does not keep what is written to it; replace it, or install again";

Result<void> check_chunk(const Place& source, Chunk& chunk, VerityTree& tree, BlockHasher& hash) {
  auto index = chunk.offset / block_size;
  for (const auto& digest : hash(chunk.buffer.first(chunk.bytes))) {
    LOAM_TRY(const auto wanted, tree.leaf(index));
    if (wanted != digest)
      return fail(std::format("{}: block {} (byte {}) does not match the release's hash tree", source.path.string(),
                              index, source.offset + index * block_size));
    ++index;
  }
  return {};
}

// Hashing beside the reading pays where nothing else is done with the data; else the consumer has enough to do.
enum class Hashing : bool { by_reader, by_consumer };

Result<void> read_chunks(const Place& source, int fd, VerityTree& tree, Hashing hashing, Conveyor& conveyor) {
  BlockHasher hash(tree.salt());
  for (std::uint64_t offset = 0; offset < tree.data_bytes(); offset += chunk_bytes) {
    auto chunk = conveyor.take_empty();
    if (!chunk) return {};
    chunk->offset = offset;
    chunk->bytes = std::min<std::uint64_t>(chunk_bytes, tree.data_bytes() - offset);
    if (auto got = read_exact(fd, chunk->buffer.first(chunk->bytes), source.offset + offset); !got)
      return std::unexpected(std::move(got).error().context(source.path.string()));
    if (hashing == Hashing::by_reader) LOAM_CHECK(check_chunk(source, *chunk, tree, hash));
    conveyor.put_full(std::move(chunk));
  }
  return {};
}

// Reads and checks the source on a second thread, gives each good chunk to `consume` on this one. `remedy` is for a
// source that cannot be read or is not what the tree says.
template <typename Consume>
Result<void> stream(const Place& source, const UniqueFd& fd, VerityTree& tree, std::string_view remedy, Hashing hashing,
                    const ProgressCallback& progress, Consume consume) {
  Conveyor conveyor;
  std::jthread reader([&] {
    auto read = read_chunks(source, fd.get(), tree, hashing, conveyor);
    if (!read) read = std::unexpected(std::move(read).error().remedy(std::string(remedy)));
    conveyor.end(std::move(read));
  });
  const StopOnExit stop{&conveyor};  // before the thread is joined, however this function ends
  std::uint64_t done = 0;
  while (auto chunk = conveyor.take_full()) {
    LOAM_CHECK(consume(*chunk));
    done += chunk->bytes;
    progress({.done = done, .total = tree.data_bytes()});
    conveyor.put_empty(std::move(chunk));
  }
  return conveyor.result();
}

bool identical(int fd, std::uint64_t offset, std::span<const std::byte> data, AlignedBuffer& scratch) {
  const auto old = scratch.first(data.size());
  return read_exact(fd, old, offset) && std::memcmp(old.data(), data.data(), data.size()) == 0;
}

}  // namespace

Result<FillReport> fill(const Place& source, const Place& target, VerityTree& tree, const FillOptions& options,
                        const ProgressCallback& progress) {
  LOAM_TRY(const auto in, open_file(source.path, O_RDONLY));
  ::posix_fadvise(in.get(), static_cast<off_t>(source.offset), static_cast<off_t>(tree.data_bytes()),
                  POSIX_FADV_SEQUENTIAL);
  LOAM_TRY(const auto out, open_uncached(target.path, O_RDWR));
  FillReport report;
  AlignedBuffer scratch(chunk_bytes);
  LOAM_CHECK(stream(source, in, tree, bad_medium, Hashing::by_reader, progress, [&](Chunk& chunk) -> Result<void> {
    const auto data = chunk.buffer.first(chunk.bytes);
    const auto at = target.offset + chunk.offset;
    if (options.skip_identical && identical(out.get(), at, data, scratch)) {
      report.kept += chunk.bytes;
      return {};
    }
    report.written += chunk.bytes;
    if (auto wrote = write_exact(out.get(), data, at); !wrote)
      return std::unexpected(std::move(wrote).error().context(target.path.string()).remedy(std::string(bad_disk)));
    return {};
  }));
  LOAM_CHECK(fsync_fd(out.get(), target.path.string()));
  return report;
}

Result<void> read_verified(const Place& source, VerityTree& tree, int out) {
  LOAM_TRY(const auto in, open_file(source.path, O_RDONLY));
  return stream(
      source, in, tree, bad_medium, Hashing::by_reader, [](const Progress&) {},
      [out](Chunk& chunk) -> Result<void> {
        auto data = chunk.buffer.first(chunk.bytes);
        while (!data.empty()) {
          const auto wrote = ::write(out, data.data(), data.size());
          if (wrote < 0) return fail_errno("standard output");
          data = data.subspan(static_cast<std::size_t>(wrote));
        }
        return {};
      });
}

Result<void> verify(const Place& place, VerityTree& tree, const ProgressCallback& progress) {
  LOAM_TRY(const auto fd, open_uncached(place.path, O_RDONLY));
  BlockHasher hash(tree.salt());
  return stream(place, fd, tree, bad_disk, Hashing::by_consumer, progress, [&](Chunk& chunk) {
    auto checked = check_chunk(place, chunk, tree, hash);
    if (!checked) checked = std::unexpected(std::move(checked).error().remedy(std::string(bad_disk)));
    return checked;
  });
}

}  // namespace loam::slots
