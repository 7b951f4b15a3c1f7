// Memory for direct I/O.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>

namespace loam {

class AlignedBuffer {
 public:
  static constexpr std::size_t block_size = 4096;  // no disk wants more
  // bytes: a multiple of block_size.
  explicit AlignedBuffer(std::size_t bytes)
      : bytes_(static_cast<std::byte*>(std::aligned_alloc(block_size, bytes))), size_(bytes) {
    if (!bytes_) throw std::bad_alloc();
  }
  std::size_t size() const { return size_; }
  std::span<std::byte> first(std::size_t count) { return {bytes_.get(), count}; }
  std::span<std::byte, block_size> block(std::size_t index) {
    return std::span<std::byte, block_size>(bytes_.get() + index * block_size, block_size);
  }

 private:
  struct Free {
    void operator()(std::byte* bytes) const { std::free(bytes); }  // NOLINT(cppcoreguidelines-no-malloc)
  };
  std::unique_ptr<std::byte, Free> bytes_;
  std::size_t size_ = 0;
};

}  // namespace loam
