// A release on a stick or disk that nobody has mounted: mounted for reading as long as this lives.
#pragma once

#include <string>

#include "base/error.hpp"

namespace loam::node {

// What an engine that was killed left mounted; pid: its own.
void forget_upgrade_medium(int pid);

class UpgradeMedium {
 public:
  UpgradeMedium() = default;
  UpgradeMedium(const UpgradeMedium&) = delete;
  UpgradeMedium& operator=(const UpgradeMedium&) = delete;
  ~UpgradeMedium();

  // Where the release is: a block device's is found in its directory "loam", as on Loam's own media, or at its top. All
  // else is what it was.
  Result<std::string> open(const std::string& where);

 private:
  bool mounted_ = false;
};

}  // namespace loam::node
