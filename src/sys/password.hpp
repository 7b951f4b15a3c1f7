// Passwords as crypt(5) hashes, by libcrypt.
#pragma once

#include <string>

#include "base/error.hpp"

namespace loam::sys {

// "$y$...": yescrypt with a salt of its own.
Result<std::string> hash_password(const std::string& password);

// False also for a hash that is none.
bool password_matches(const std::string& password, const std::string& hash);

}  // namespace loam::sys
