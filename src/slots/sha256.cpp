#include "slots/sha256.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <new>
#include <span>
#include <vector>

#include "base/file.hpp"
#include "base/text.hpp"

namespace loam::slots {

namespace {

// libcrypto fails here only when memory is gone.
void require(bool worked) {
  if (!worked) throw std::bad_alloc();
}

MdContext new_context() {
  MdContext context(EVP_MD_CTX_new());
  require(context != nullptr);
  return context;
}

}  // namespace

SaltedSha256::SaltedSha256(std::span<const std::byte> salt) : salted_(new_context()), work_(new_context()) {
  require(EVP_DigestInit_ex(salted_.get(), EVP_sha256(), nullptr) == 1);
  require(EVP_DigestUpdate(salted_.get(), salt.data(), salt.size()) == 1);
}

Digest SaltedSha256::operator()(std::span<const std::byte> data) {
  Digest digest{};
  require(EVP_MD_CTX_copy_ex(work_.get(), salted_.get()) == 1);
  require(EVP_DigestUpdate(work_.get(), data.data(), data.size()) == 1);
  require(EVP_DigestFinal_ex(work_.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr) == 1);
  return digest;
}

Result<std::string> sha256_range(int fd, std::uint64_t offset, std::uint64_t bytes) {
  auto context = new_context();
  require(EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1);
  std::vector<std::byte> buffer(1U << 20U);
  for (std::uint64_t done = 0; done < bytes;) {
    const auto part = std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), bytes - done));
    LOAM_CHECK(read_exact(fd, part, offset + done));
    require(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1);
    done += part.size();
  }
  Digest digest{};
  require(EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr) == 1);
  return to_hex(digest);
}

Result<std::string> sha256_file(const std::filesystem::path& path) {
  LOAM_TRY(const auto fd, open_file(path, O_RDONLY));
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return fail_errno(path.string());
  auto digest = sha256_range(fd.get(), 0, static_cast<std::uint64_t>(info.st_size));
  if (!digest) return std::unexpected(std::move(digest).error().context(path.string()));
  return digest;
}

}  // namespace loam::slots
