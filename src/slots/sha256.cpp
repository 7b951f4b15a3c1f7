#include "slots/sha256.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <new>
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

Result<std::string> sha256_file(const std::filesystem::path& path) {
  LOAM_TRY(auto fd, open_file(path, O_RDONLY));
  auto context = new_context();
  require(EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1);
  std::vector<std::byte> buffer(1U << 20U);
  while (true) {
    const auto got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(path.string());
    if (got == 0) break;
    require(EVP_DigestUpdate(context.get(), buffer.data(), static_cast<std::size_t>(got)) == 1);
  }
  Digest digest{};
  require(EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr) == 1);
  return to_hex(digest);
}

}  // namespace loam::slots
