// loam-probe [--health] [DISK...] [--claimed DISK...]: what is on each disk and who uses it, or how it is; one JSON
// object a line, in the order in which they answer. loamd runs it as a child: a disk that does not answer holds up its
// own thread only, and never the supervisor.
#include <unistd.h>

#include <iostream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "diskmgr/health.hpp"
#include "diskmgr/probe.hpp"
#include "diskmgr/use.hpp"
#include "sys/subprocess.hpp"

namespace {

using namespace loam;
using nlohmann::json;

json content_of(const std::string& node, bool claimed) {
  const auto content = diskmgr::probe_content(node);
  if (!content) return {{"node", node}, {"problem", content.error().text()}};
  auto use = diskmgr::used_by(node);
  // For an instant, the question takes it from others: not where Ceph is at work, or about to be.
  if (use.empty() && !claimed && !content->only_ceph() && diskmgr::held_exclusively(node).value_or(false))
    use = "a program holds it for itself";
  return {{"node", node}, {"content", json::parse(to_json(*content))}, {"used_by", use}};
}

Result<diskmgr::Health> health_of(const std::string& node) {
  // Exit codes of both say what is wrong with the disk, too.
  const sys::RunOptions limited{.timeout = std::chrono::seconds(60), .input = {}, .environment = {}, .any_exit = true};
  if (node.starts_with("/dev/nvme")) {
    LOAM_TRY(const auto answer, sys::run({"nvme", "smart-log", "--output-format=json", node}, limited));
    return diskmgr::parse_nvme(answer.out);
  }
  LOAM_TRY(const auto answer,
           sys::run({"smartctl", "--json", "--info", "--health", "--attributes", "--log=error", node}, limited));
  return diskmgr::parse_smartctl(answer.out);
}

json health_line(const std::string& node) {
  auto health = health_of(node);
  if (!health)
    health = diskmgr::Health{.state = diskmgr::HealthState::unknown,
                             .why = health.error().text(),
                             .celsius = {},
                             .power_on_hours = {},
                             .percent_used = {}};
  return {{"node", node}, {"health", json::parse(to_json(*health))}};
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  std::mutex output;
  std::vector<std::jthread> probes;
  bool health = false;
  bool claimed = false;
  for (const auto& argument : arguments) {
    if (argument == "--health") {
      health = true;
    } else if (argument == "--claimed") {
      claimed = true;
    } else {
      probes.emplace_back([&output, node = argument, health, claimed] {
        const auto line = health ? health_line(node) : content_of(node, claimed);
        const auto text = line.dump(-1, ' ', false, json::error_handler_t::replace);
        const std::scoped_lock lock(output);
        std::cout << text << '\n' << std::flush;
      });
    }
  }
  probes.clear();  // waits for all
  return 0;
}
