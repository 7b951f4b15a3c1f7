// Base64 (RFC 4648) of bytes held as text: the usual alphabet with padding, and the one for URLs without.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace loam {

std::string to_base64(std::string_view bytes);
// With padding and without blanks, as to_base64 makes it.
Result<std::string> from_base64(std::string_view text);

std::string to_base64url(std::string_view bytes);
// No blanks, no padding, no bits besides those of whole bytes: there is one text for each value.
Result<std::string> from_base64url(std::string_view text);

}  // namespace loam
