// The files of a change that is on trial (netcfg/trial.hpp), in a root directory: "/" for loamd, the new root for the
// initrd. Each step leaves what a power cut finds usable.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "netcfg/trial.hpp"

namespace loam::node {

// Why the last change went back; until another one is made.
inline constexpr std::string_view went_back_path = "/loam/network-went-back";

class NetworkTrial {
 public:
  explicit NetworkTrial(std::filesystem::path root = "/") : root_(std::move(root)) {}

  // Before the change is written. Only where there is something to go back to: true if it is on trial now.
  Result<bool> begin(std::chrono::seconds time) const;
  Result<std::optional<netcfg::Trial>> current() const;
  // Seconds that are left of it; none if it must go back.
  static std::optional<std::int64_t> left(const netcfg::Trial& trial);

  // loam.yaml is the confirmed one from now on.
  Result<void> confirm(const std::string& text) const;
  Result<std::optional<std::string>> confirmed() const;
  // loam.yaml becomes the confirmed one again, and the other is kept aside with the reason.
  Result<void> take_back(const std::string& why) const;
  Result<std::optional<std::string>> went_back() const;
  Result<void> forget_went_back() const;

 private:
  std::filesystem::path at(std::string_view path) const { return root_ / std::filesystem::path(path).relative_path(); }
  Result<void> remove(std::string_view path) const;

  std::filesystem::path root_;
};

}  // namespace loam::node
