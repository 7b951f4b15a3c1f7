// Whole blocks out of pieces that are cut anywhere and come in any order.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>

#include "base/error.hpp"
#include "slots/verity.hpp"

namespace loam::slots {

class BlockAssembler {
 public:
  // One block or more, in a row. Good until it returns.
  using Take = std::function<Result<void>(std::uint64_t index, std::span<const std::byte> blocks)>;
  explicit BlockAssembler(Take take) : take_(std::move(take)) {}

  // offset: bytes from the first block. No byte comes twice.
  Result<void> put(std::uint64_t offset, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const auto at = static_cast<std::size_t>(offset % block_size);
      const auto whole = at == 0 ? bytes.size() / block_size * block_size : 0;
      const auto some = bytes.first(whole > 0 ? whole : std::min(bytes.size(), block_size - at));
      LOAM_CHECK(whole > 0 ? take_(offset / block_size, some) : put_part(offset / block_size, at, some));
      offset += some.size();
      bytes = bytes.subspan(some.size());
    }
    return {};
  }

 private:
  // A block of which a part has come.
  struct Partial {
    std::array<std::byte, block_size> bytes{};
    std::size_t held = 0;
  };

  Result<void> put_part(std::uint64_t index, std::size_t at, std::span<const std::byte> bytes) {
    auto& partial = partial_[index];
    std::ranges::copy(bytes, partial.bytes.begin() + static_cast<std::ptrdiff_t>(at));
    partial.held += bytes.size();
    if (partial.held < block_size) return {};
    const auto complete = partial_.extract(index);
    return take_(index, complete.mapped().bytes);
  }

  Take take_;
  std::map<std::uint64_t, Partial> partial_;  // by block; one for each part that is coming
};

}  // namespace loam::slots
