// SHA-256 by libcrypto, which is several times faster than mbedTLS at 4 KiB blocks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include <openssl/evp.h>

#include "base/error.hpp"

namespace loam::slots {

using Digest = std::array<std::byte, 32>;

struct MdContextFree {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using MdContext = std::unique_ptr<EVP_MD_CTX, MdContextFree>;

// sha256(salt || data), the salt hashed once. Not to be shared between threads.
class SaltedSha256 {
 public:
  explicit SaltedSha256(std::span<const std::byte> salt);
  Digest operator()(std::span<const std::byte> data);

 private:
  MdContext salted_;
  MdContext work_;
};

// Digest of a part of an open file, as lower-case hexadecimal.
Result<std::string> sha256_range(int fd, std::uint64_t offset, std::uint64_t bytes);

// The same of a whole file.
Result<std::string> sha256_file(const std::filesystem::path& path);

}  // namespace loam::slots
