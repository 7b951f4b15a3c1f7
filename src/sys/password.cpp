#include "sys/password.hpp"

#include <crypt.h>

#include <cstring>
#include <memory>

namespace loam::sys {

namespace {

// Too large for a stack.
std::unique_ptr<crypt_data> scratch() { return std::make_unique<crypt_data>(); }

}  // namespace

Result<std::string> hash_password(const std::string& password) {
  char setting[CRYPT_GENSALT_OUTPUT_SIZE];  // NOLINT(*-avoid-c-arrays): as libcrypt wants it
  if (::crypt_gensalt_rn("$y$", 0, nullptr, 0, setting, sizeof(setting)) == nullptr)
    return fail_errno("a salt for a password");
  const auto data = scratch();
  const char* const hash = ::crypt_r(password.c_str(), setting, data.get());
  if (hash == nullptr || hash[0] == '*') return fail_errno("the hash of a password");
  return std::string(hash);
}

bool password_matches(const std::string& password, const std::string& hash) {
  if (hash.empty()) return false;
  const auto data = scratch();
  const char* const again = ::crypt_r(password.c_str(), hash.c_str(), data.get());
  if (again == nullptr || std::strlen(again) != hash.size()) return false;
  unsigned differ = 0;  // every byte is looked at, however many are wrong
  for (std::size_t i = 0; i < hash.size(); ++i) differ |= static_cast<unsigned>(again[i] ^ hash[i]);
  return differ == 0;
}

}  // namespace loam::sys
