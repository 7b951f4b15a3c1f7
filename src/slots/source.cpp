#include "slots/source.hpp"

#include <fcntl.h>

#include <algorithm>
#include <format>
#include <vector>

#include "base/file.hpp"

namespace loam::slots {

namespace {

constexpr std::size_t piece_bytes = std::size_t{1} << 20U;

}  // namespace

Result<std::string> DirectorySource::whole(std::string_view name, std::size_t limit) {
  return read_file(directory_ / name, limit);
}

Result<void> DirectorySource::parts(std::string_view name, std::uint64_t bytes, std::span<const Extent> wanted,
                                    const Take& take) {
  const auto path = directory_ / name;
  LOAM_TRY(const auto fd, open_file(path, O_RDONLY));
  std::vector<std::byte> piece(piece_bytes);
  for (const auto& part : wanted) {
    if (part.offset > bytes || part.bytes > bytes - part.offset)
      return fail(std::format("{}: a part behind its end was asked for", path.string()));
    for (std::uint64_t done = 0; done < part.bytes;) {
      const auto some = std::span(piece).first(std::min<std::uint64_t>(piece.size(), part.bytes - done));
      if (auto read = read_exact(fd.get(), some, part.offset + done); !read)
        return std::unexpected(std::move(read)
                                   .error()
                                   .context(path.string())
                                   .remedy("the medium is damaged; write it again or use another"));
      LOAM_CHECK(take(part.offset + done, some));
      done += some.size();
    }
  }
  return {};
}

}  // namespace loam::slots
