#include "slots/source.hpp"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <format>
#include <future>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/file.hpp"

namespace loam::slots {

namespace {

constexpr std::size_t piece_bytes = std::size_t{4} << 20U;
constexpr std::size_t worth_a_thread = std::size_t{256} << 10U;

// What is wanted, cut into pieces.
class Pieces {
 public:
  explicit Pieces(std::span<const Extent> wanted) : wanted_(wanted) {}
  std::optional<Extent> next() {
    while (!wanted_.empty() && done_ == wanted_.front().bytes) {
      wanted_ = wanted_.subspan(1);
      done_ = 0;
    }
    if (wanted_.empty()) return std::nullopt;
    const auto& part = wanted_.front();
    const Extent piece{.offset = part.offset + done_,
                       .bytes = std::min<std::uint64_t>(piece_bytes, part.bytes - done_)};
    done_ += piece.bytes;
    return piece;
  }

 private:
  std::span<const Extent> wanted_;
  std::uint64_t done_ = 0;  // bytes of the first of them
};

// Reads a piece while the one before it is used.
class AheadReader {
 public:
  AheadReader(int fd, std::filesystem::path path) : fd_(fd), path_(std::move(path)) {}
  void start(const Extent& piece) {
    const auto when = piece.bytes < worth_a_thread ? std::launch::deferred : std::launch::async;
    reading_ = std::async(when, [fd = fd_, data = std::span(next_).first(piece.bytes), offset = piece.offset] {
      return read_exact(fd, data, offset);
    });
  }
  // The piece that was started last. Good until the one after it is taken.
  Result<std::span<const std::byte>> take(const Extent& piece) {
    if (auto read = reading_.get(); !read)
      return std::unexpected(std::move(read)
                                 .error()
                                 .context(path_.string())
                                 .remedy("the medium is damaged; write it again or use another"));
    std::swap(piece_, next_);
    return std::span<const std::byte>(piece_).first(piece.bytes);
  }

 private:
  int fd_;
  std::filesystem::path path_;
  std::vector<std::byte> piece_ = std::vector<std::byte>(piece_bytes);
  std::vector<std::byte> next_ = std::vector<std::byte>(piece_bytes);
  std::future<Result<void>> reading_;  // the last member: its end is waited for before the buffers go
};

}  // namespace

Result<std::string> DirectorySource::whole(std::string_view name, std::size_t limit) {
  return read_file(directory_ / name, limit);
}

Result<void> DirectorySource::parts(std::string_view name, std::uint64_t bytes, std::span<const Extent> wanted,
                                    const Take& take) {
  const auto path = directory_ / name;
  LOAM_TRY(const auto fd, open_file(path, O_RDONLY));
  if (std::ranges::any_of(wanted,
                          [&](const auto& one) { return one.offset > bytes || one.bytes > bytes - one.offset; }))
    return fail(std::format("{}: a part behind its end was asked for", path.string()));
  if (wanted.empty()) return {};
  AheadReader reader(fd.get(), path);
  Pieces pieces(wanted);
  auto next = pieces.next();
  if (next) reader.start(*next);
  while (next) {
    const auto now = *next;
    LOAM_TRY(const auto data, reader.take(now));
    next = pieces.next();
    if (next) reader.start(*next);
    LOAM_CHECK(take(now.offset, data));
  }
  return {};
}

}  // namespace loam::slots
