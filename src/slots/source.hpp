// Where the bytes of a release come from. Nothing that comes is trusted: whoever asks checks it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "slots/layout.hpp"

namespace loam::slots {

class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  // A piece of a file. An error ends the fetching.
  using Take = std::function<Result<void>(std::uint64_t offset, std::span<const std::byte> bytes)>;

  // A small file, whole. One of more than `limit` bytes is an error, and not read to its end.
  virtual Result<std::string> whole(std::string_view name, std::size_t limit) = 0;
  // Whether less than all of a file can be had.
  virtual Result<bool> has_ranges(std::string_view name) = 0;
  // These parts of a file of `bytes` bytes, each byte once. The pieces of one part come in order; those of several may
  // come mixed, and what lies between them may come too.
  virtual Result<void> parts(std::string_view name, std::uint64_t bytes, std::span<const Extent> wanted,
                             const Take& take) = 0;
};

// The directory of a release on a disk, a stick or a mounted share.
class DirectorySource : public Source {
 public:
  explicit DirectorySource(std::filesystem::path directory) : directory_(std::move(directory)) {}
  Result<std::string> whole(std::string_view name, std::size_t limit) override;
  Result<bool> has_ranges(std::string_view /*name*/) override { return true; }
  Result<void> parts(std::string_view name, std::uint64_t bytes, std::span<const Extent> wanted,
                     const Take& take) override;

 private:
  std::filesystem::path directory_;
};

}  // namespace loam::slots
