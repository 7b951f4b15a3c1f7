// Somebody sets this machine up on its console: what would install without a person waits meanwhile. It is in a file,
// because a loamd that starts anew must not install in their face.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>

#include "base/error.hpp"

namespace loam::node {

class ConsoleLease {
 public:
  // From the last key on. Whoever fetches a coffee is still there; a wizard that was forgotten holds up nobody for
  // long.
  static constexpr std::chrono::minutes length{10};

  explicit ConsoleLease(std::filesystem::path path) : path_(std::move(path)) {}

  // now: seconds_of_boot()
  Result<void> renew(std::int64_t now);
  Result<void> end();
  // 0: nobody is there.
  std::chrono::seconds left(std::int64_t now) const;

 private:
  std::filesystem::path path_;
};

}  // namespace loam::node
