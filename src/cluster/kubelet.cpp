#include "cluster/kubelet.hpp"

#include <algorithm>
#include <array>
#include <format>
#include <limits>
#include <nlohmann/json.hpp>

namespace loam::cluster {

using nlohmann::json;

namespace {

constexpr std::uint64_t gibibyte = std::uint64_t{1} << 30U;
constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;
constexpr auto rest = std::numeric_limits<std::uint64_t>::max();

// Of so much, this share in thousandths.
struct Step {
  std::uint64_t width;
  std::uint64_t share;
};

template <std::size_t size>
std::uint64_t by_steps(std::uint64_t amount, const std::array<Step, size>& steps) {
  std::uint64_t sum = 0;
  for (const auto& [width, share] : steps) {
    const auto part = std::min(amount, width);
    sum += part / 1000 * share + part % 1000 * share / 1000;
    amount -= part;
  }
  return sum;
}

}  // namespace

Reserved reserved_for(std::uint64_t memory, unsigned processors) {
  constexpr std::array<Step, 5> of_memory = {
      {{4 * gibibyte, 250}, {4 * gibibyte, 200}, {8 * gibibyte, 100}, {112 * gibibyte, 60}, {rest, 20}}};
  constexpr std::array<Step, 4> of_processors = {{{1000, 60}, {1000, 10}, {2000, 5}, {rest, 2}}};
  return {.memory = by_steps(memory, of_memory),
          .millicpus = by_steps(std::uint64_t{processors} * 1000, of_processors)};
}

std::string kubelet_config() {
  // Pods of the cluster itself, storage and network among them, go last and have the most time: virtual machines are
  // shut down or moved before that.
  const json graceful = {{{"priority", 0}, {"shutdownGracePeriodSeconds", 90}},
                         {{"priority", 1'000'000'000}, {"shutdownGracePeriodSeconds", 60}},
                         {{"priority", 2'000'000'000}, {"shutdownGracePeriodSeconds", 30}}};
  return json{
      {"apiVersion", "kubelet.config.k8s.io/v1beta1"},
      {"kind", "KubeletConfiguration"},
      {"cgroupDriver", "systemd"},
      {"failSwapOn", true},
      {"rotateCertificates", true},
      {"readOnlyPort", 0},
      {"containerRuntimeEndpoint", "unix:///run/containerd/containerd.sock"},
      // The default lies below /usr, which is read-only.
      {"volumePluginDir", "/var/lib/kubelet/volume-plugins"},
      {"resolvConf", "/run/systemd/resolve/resolv.conf"},
      {"evictionHard",
       {{"memory.available", "500Mi"},
        {"nodefs.available", "10%"},
        {"nodefs.inodesFree", "5%"},
        {"imagefs.available", "10%"}}},
      {"imageGCHighThresholdPercent", 80},
      {"imageGCLowThresholdPercent", 70},
      {"podPidsLimit", 16384},
      {"shutdownGracePeriodByPodPriority", graceful},
  }
      .dump(1);
}

std::string kubelet_patch(const NodeFacts& node) {
  const auto reserved = reserved_for(node.memory, node.processors);
  return json{{"systemReserved",
               {{"memory", std::format("{}Mi", reserved.memory / mebibyte)},
                {"cpu", std::format("{}m", reserved.millicpus)},
                {"ephemeral-storage", "2Gi"}}}}
      .dump(1);
}

}  // namespace loam::cluster
