#include "base/error.hpp"

#include <system_error>

namespace loam {

Error Error::from_errno(std::string_view what, int code) {
  Error error(std::string(what) + ": " + std::generic_category().message(code));
  error.code_ = code;
  return error;
}

Error Error::context(std::string_view outer) && {
  message_.insert(0, std::string(outer) + ": ");
  return std::move(*this);
}

Error Error::remedy(std::string text) && {
  if (remedy_.empty()) remedy_ = std::move(text);
  return std::move(*this);
}

std::string Error::text() const { return remedy_.empty() ? message_ : message_ + "; " + remedy_; }

}  // namespace loam
