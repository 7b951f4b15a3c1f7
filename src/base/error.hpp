// What went wrong, in words for the person who must mend it.
#pragma once

#include <cerrno>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace loam {

// A message names the thing, what was expected and what was found; the remedy says what to do about it.
class [[nodiscard]] Error {
 public:
  explicit Error(std::string message, std::string remedy = {})
      : message_(std::move(message)), remedy_(std::move(remedy)) {}

  // An error of the operating system: "what: strerror(code)".
  static Error from_errno(std::string_view what, int code = errno);

  // The same error seen from further up: "outer: message". The remedy closest to the cause is kept.
  Error context(std::string_view outer) &&;
  Error remedy(std::string text) &&;

  const std::string& message() const { return message_; }
  const std::string& remedy() const { return remedy_; }
  // errno of the cause, 0 if it was none of the system's.
  int code() const { return code_; }
  // Message and remedy in one line, as logs and command lines show it.
  std::string text() const;

 private:
  std::string message_;
  std::string remedy_;
  int code_ = 0;
};

template <typename T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(std::string message, std::string remedy = {}) {
  return std::unexpected(Error(std::move(message), std::move(remedy)));
}

inline std::unexpected<Error> fail_errno(std::string_view what, int code = errno) {
  return std::unexpected(Error::from_errno(what, code));
}

}  // namespace loam

#define LOAM_CONCAT_INNER(a, b) a##b
#define LOAM_CONCAT(a, b) LOAM_CONCAT_INNER(a, b)

// LOAM_TRY(auto value, expression): the value of a Result, or return its error from the enclosing function.
#define LOAM_TRY(declaration, ...) LOAM_TRY_INNER(LOAM_CONCAT(loam_try_, __LINE__), declaration, __VA_ARGS__)
#define LOAM_TRY_INNER(holder, declaration, ...)                               \
  auto holder = (__VA_ARGS__);                                                 \
  if (!holder) return std::unexpected(std::move(holder).error()); /* NOLINT */ \
  declaration = *std::move(holder)

// LOAM_CHECK(expression): nothing, or return its error from the enclosing function.
#define LOAM_CHECK(...)                                                                                      \
  do {                                                                                                       \
    if (auto loam_check = (__VA_ARGS__); !loam_check) return std::unexpected(std::move(loam_check).error()); \
  } while (false)
