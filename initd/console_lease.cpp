#include "console_lease.hpp"

#include <algorithm>
#include <string>
#include <system_error>

#include "base/file.hpp"
#include "base/text.hpp"
#include "sys/log.hpp"

namespace loam::node {

Result<void> ConsoleLease::renew(std::int64_t now) {
  return write_file_atomic(path_, std::to_string(now + std::chrono::seconds(length).count()), 0600);
}

Result<void> ConsoleLease::end() {
  std::error_code problem;
  std::filesystem::remove(path_, problem);
  if (problem) return fail_errno(path_.string(), problem.value());
  return {};
}

// Never longer than one is given, whatever stands in the file.
std::chrono::seconds ConsoleLease::left(std::int64_t now) const {
  constexpr std::size_t limit = 32;
  const auto text = read_if_there(path_, limit);
  if (!text) sys::log(sys::Priority::warning, "who is at the console is not known: " + text.error().text());
  if (!text || !*text) return {};
  const auto until = static_cast<std::int64_t>(leading_number(**text));
  return std::chrono::seconds(std::clamp<std::int64_t>(until - now, 0, std::chrono::seconds(length).count()));
}

}  // namespace loam::node
