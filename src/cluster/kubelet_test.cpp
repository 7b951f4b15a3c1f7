#include "cluster/kubelet.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace loam::cluster {
namespace {

constexpr std::uint64_t mebibyte = 1U << 20U;

TEST(Kubelet, KeepsMoreForTheSystemOnALargerMachine) {
  // Figures of the page that the header names: 4 GiB keep a quarter, 256 GiB keep 11.9 GiB (2.4 at 16, 9.1 at 128).
  EXPECT_EQ(reserved_for(4096 * mebibyte, 1).memory, 1024 * mebibyte);
  EXPECT_EQ(reserved_for(8192 * mebibyte, 1).memory / mebibyte, 1843U);
  EXPECT_EQ(reserved_for(std::uint64_t{262144} * mebibyte, 1).memory / mebibyte, 12165U);
  EXPECT_EQ(reserved_for(4096 * mebibyte, 1).millicpus, 60U);
  EXPECT_EQ(reserved_for(4096 * mebibyte, 4).millicpus, 80U);
  EXPECT_EQ(reserved_for(4096 * mebibyte, 32).millicpus, 136U);
}

TEST(Kubelet, WritesNothingBelowUsr) {
  const auto config = nlohmann::json::parse(kubelet_config());
  EXPECT_TRUE(config["volumePluginDir"].get<std::string>().starts_with("/var/"));
  EXPECT_EQ(config["cgroupDriver"], "systemd");
}

TEST(Kubelet, PatchIsOfThisMachineOnly) {
  const auto patch = nlohmann::json::parse(
      kubelet_patch({.name = "node-1", .address = "192.0.2.1", .memory = 4096 * mebibyte, .processors = 2}));
  EXPECT_EQ(patch.size(), 1U);
  EXPECT_EQ(patch["systemReserved"]["memory"], "1024Mi");
  EXPECT_EQ(patch["systemReserved"]["cpu"], "70m");
}

}  // namespace
}  // namespace loam::cluster
