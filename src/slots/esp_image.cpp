#include "slots/esp_image.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <format>
#include <span>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/file.hpp"
#include "base/scratch.hpp"

namespace loam::slots {

namespace {

constexpr std::uint64_t piece_bytes = std::uint64_t{1} << 20U;

// Pieces of the file that hold something, in whole MiB.
Result<std::vector<Extent>> filled_pieces(const UniqueFd& image, std::uint64_t bytes) {
  std::vector<Extent> pieces;
  for (std::uint64_t at = 0; at < bytes; at += piece_bytes) {
    const auto data = ::lseek(image.get(), static_cast<off_t>(at), SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;  // only a hole is left
    if (data < 0) return fail_errno("the file of an EFI system partition");
    at = static_cast<std::uint64_t>(data) / piece_bytes * piece_bytes;
    pieces.push_back({.offset = at, .bytes = std::min(piece_bytes, bytes - at)});
  }
  return pieces;
}

Result<void> forget_boot_sector(const std::filesystem::path& disk, std::uint64_t offset, std::uint32_t sector_size) {
  LOAM_TRY(const auto fd, open_file(disk, O_WRONLY));
  LOAM_CHECK(write_zeros(fd.get(), offset, sector_size));
  return fsync_fd(fd.get(), disk.string());
}

class Copy {
 public:
  Copy(const UniqueFd& image, std::filesystem::path disk, std::uint64_t offset, std::uint32_t sector_size)
      : image_(&image), disk_(std::move(disk)), offset_(offset), boot_sector_(sector_size) {}

  Result<void> run(const std::vector<Extent>& pieces) {
    LOAM_CHECK(write(pieces));
    LOAM_CHECK(read_back(pieces));
    LOAM_TRY(const auto fd, open_file(disk_, O_WRONLY));
    LOAM_CHECK(read_exact(image_->get(), buffer_.first(boot_sector_), 0));
    LOAM_CHECK(write_exact(fd.get(), buffer_.first(boot_sector_), offset_));
    return fsync_fd(fd.get(), disk_.string());
  }

 private:
  // A piece as it is to be before the boot sector comes.
  Result<std::span<std::byte>> wanted(const Extent& piece) {
    const auto bytes = buffer_.first(piece.bytes);
    LOAM_CHECK(read_exact(image_->get(), bytes, piece.offset));
    if (piece.offset == 0) std::ranges::fill(bytes.first(boot_sector_), std::byte{0});
    return bytes;
  }

  Result<void> write(const std::vector<Extent>& pieces) {
    LOAM_TRY(const auto fd, open_file(disk_, O_WRONLY));
    for (const auto& piece : pieces) {
      LOAM_TRY(const auto bytes, wanted(piece));
      LOAM_CHECK(write_exact(fd.get(), bytes, offset_ + piece.offset));
    }
    return fsync_fd(fd.get(), disk_.string());
  }

  Result<void> read_back(const std::vector<Extent>& pieces) {
    LOAM_TRY(const auto fd, open_uncached(disk_, O_RDONLY));
    for (const auto& piece : pieces) {
      LOAM_TRY(const auto bytes, wanted(piece));
      const auto found = found_.first(piece.bytes);
      LOAM_CHECK(read_exact(fd.get(), found, offset_ + piece.offset));
      if (!std::ranges::equal(bytes, found))
        return fail(std::format("{}: the EFI system partition reads back otherwise than it was written, within 1 MiB "
                                "from byte {}",
                                disk_.string(), offset_ + piece.offset),
                    "the disk does not keep what is written to it; replace it");
    }
    return {};
  }

  const UniqueFd* image_;
  std::filesystem::path disk_;
  std::uint64_t offset_;
  std::uint32_t boot_sector_;
  AlignedBuffer buffer_{piece_bytes};
  AlignedBuffer found_{piece_bytes};
};

}  // namespace

Result<void> write_esp(const std::filesystem::path& disk, const Extent& extent, std::uint32_t sector_size,
                       const std::function<Result<void>(const Esp&)>& fill) {
  LOAM_TRY(const auto image, ScratchFile::make());
  LOAM_CHECK(image.resize(extent.bytes));
  LOAM_TRY(const auto uuid, random_uuid());
  const Esp files(image.path(), {.offset = 0, .bytes = extent.bytes}, sector_size);
  LOAM_CHECK(files.format(uuid.substr(0, 8)));
  LOAM_CHECK(fill(files));
  LOAM_CHECK(forget_boot_sector(disk, extent.offset, sector_size));
  LOAM_TRY(const auto pieces, filled_pieces(image.fd(), extent.bytes));
  return Copy(image.fd(), disk, extent.offset, sector_size).run(pieces);
}

}  // namespace loam::slots
