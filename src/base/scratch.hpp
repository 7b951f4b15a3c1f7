// Files and directories of ours under /tmp that go away with their owner.
#pragma once

#include <cstdint>
#include <filesystem>
#include <utility>

#include "base/error.hpp"
#include "base/unique_fd.hpp"

namespace loam {

// What a process that was killed left there.
void forget_scratch_of(int pid);

class ScratchFile {
 public:
  static Result<ScratchFile> make();
  ScratchFile(ScratchFile&& other) noexcept : path_(std::exchange(other.path_, {})), fd_(std::move(other.fd_)) {}
  ScratchFile& operator=(ScratchFile&&) = delete;
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  ~ScratchFile();

  const std::filesystem::path& path() const { return path_; }
  const UniqueFd& fd() const { return fd_; }
  // Sparse, reads as zeros.
  Result<void> resize(std::uint64_t bytes) const;

 private:
  ScratchFile() = default;
  std::filesystem::path path_;
  UniqueFd fd_;
};

class ScratchDirectory {
 public:
  static Result<ScratchDirectory> make();
  ScratchDirectory(ScratchDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ScratchDirectory& operator=(ScratchDirectory&&) = delete;
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory();

  const std::filesystem::path& path() const { return path_; }

 private:
  ScratchDirectory() = default;
  std::filesystem::path path_;
};

}  // namespace loam
