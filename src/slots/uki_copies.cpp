#include "slots/uki_copies.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>

#include "base/file.hpp"
#include "slots/verity.hpp"

namespace loam::slots {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t key_bytes = 32;
// For less, the requests for what lies between cost more than is saved.
constexpr std::uint64_t least_bytes = 2 * block_size;
// A file in an archive of the kind that the kernel unpacks begins at a multiple of it (cpio's newc).
constexpr std::size_t alignment = 4;
constexpr std::size_t piece_bytes = std::size_t{1} << 20U;

using Bytes = std::span<const std::byte>;

std::string_view key_at(Bytes data, std::size_t at) {
  return {reinterpret_cast<const char*>(data.data()) + at, key_bytes};
}

// Of zeros there are too many.
bool says_something(std::string_view key) { return key.find_first_not_of(key.front()) != std::string_view::npos; }

Result<std::uint64_t> size_of(const fs::path& path) {
  std::error_code problem;
  const auto bytes = fs::file_size(path, problem);
  if (problem) return fail_errno(path.string(), problem.value());
  return bytes;
}

class Root {
 public:
  static Result<Root> open(const fs::path& path) {
    Root root;
    LOAM_TRY(root.fd_, open_file(path, O_RDONLY));
    LOAM_TRY(root.bytes_, size_of(path));
    std::vector<std::byte> piece(piece_bytes);
    for (std::uint64_t offset = 0; offset < root.bytes_; offset += piece.size()) {
      const auto some = std::span(piece).first(std::min<std::uint64_t>(piece.size(), root.bytes_ - offset));
      LOAM_CHECK(read_exact(root.fd_.get(), some, offset));
      for (std::size_t at = 0; at + block_size <= some.size(); at += block_size)
        if (const auto key = key_at(some, at); says_something(key))
          root.blocks_.emplace(std::hash<std::string_view>{}(key), offset + at);
    }
    return root;
  }

  // Where a block begins with these bytes.
  std::optional<std::uint64_t> find(std::string_view key) const {
    const auto found = blocks_.find(std::hash<std::string_view>{}(key));
    return found == blocks_.end() ? std::nullopt : std::optional(found->second);
  }

  // How many bytes are the same from there on.
  Result<std::uint64_t> common(Bytes data, std::uint64_t offset) const {
    std::uint64_t same = 0;
    std::array<std::byte, block_size> block{};
    while (same < data.size() && offset + same < bytes_) {
      const auto rest = data.subspan(same);
      const auto some =
          std::span(block).first(std::min<std::uint64_t>({block.size(), rest.size(), bytes_ - offset - same}));
      LOAM_CHECK(read_exact(fd_.get(), some, offset + same));
      const auto differ = std::ranges::mismatch(some, rest.first(some.size())).in1;
      same += static_cast<std::uint64_t>(differ - some.begin());
      if (differ != some.end()) break;
    }
    return same;
  }

 private:
  UniqueFd fd_;
  std::uint64_t bytes_ = 0;
  std::unordered_map<std::size_t, std::uint64_t> blocks_;  // by the hash of how they begin
};

}  // namespace

Result<std::vector<RootCopy>> find_copies(const fs::path& uki, const fs::path& root) {
  LOAM_TRY(const auto bytes, size_of(uki));
  LOAM_TRY(const auto text, read_file(uki, bytes));
  const auto data = std::as_bytes(std::span(text));
  LOAM_TRY(const auto blocks, Root::open(root));
  std::vector<RootCopy> copies;
  for (std::size_t at = 0; at + block_size <= data.size();) {
    const auto key = key_at(data, at);
    const auto block = says_something(key) ? blocks.find(key) : std::nullopt;
    std::uint64_t same = 0;
    if (block) {
      LOAM_TRY(same, blocks.common(data.subspan(at), *block));
    }
    if (same < least_bytes) {
      at += alignment;
      continue;
    }
    copies.push_back({.offset = at, .root = *block, .bytes = same});
    at = (at + same + alignment - 1) / alignment * alignment;
  }
  return copies;
}

}  // namespace loam::slots
