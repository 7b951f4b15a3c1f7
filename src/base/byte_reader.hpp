// Little-endian values out of bytes from outside, one after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace loam {

// What is asked for beyond the end is zero or empty, and then it has failed: ask once, at the end.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> data) : data_(data) {}

  template <typename Number>
  Number number() {
    Number value = 0;
    const auto bytes = take(sizeof(Number));
    for (std::size_t i = 0; i < bytes.size(); ++i)
      value |= static_cast<Number>(std::to_integer<Number>(bytes[i]) << (8U * i));
    return value;
  }

  std::string text(std::size_t length) {
    std::string value;
    for (const auto byte : take(length)) value += std::to_integer<char>(byte);
    return value;
  }

  std::span<const std::byte> take(std::size_t count) {
    failed_ = failed_ || count > data_.size() - at_;
    if (failed_) return {};
    at_ += count;
    return data_.subspan(at_ - count, count);
  }

  std::size_t at() const { return at_; }
  bool failed() const { return failed_; }

 private:
  std::span<const std::byte> data_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace loam
