// loam-activate GROUP NODE...: the LVM group of Ceph OSDs of ours on these disks, so that its volumes can be opened.
// loamd runs it as a child. What went wrong is a line of JSON on standard output.
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/guard.hpp"
#include "base/text.hpp"
#include "sys/subprocess.hpp"

namespace {

using namespace loam;

// On these disks only: another disk may have a group of the same name.
Result<void> vgchange(const std::string& activate, const std::string& group, const std::string& nodes) {
  auto done = sys::run({"vgchange", "--activate", activate, "--devices", nodes, group},
                       {.timeout = std::chrono::seconds(60), .input = {}, .environment = {}});
  if (!done) return std::unexpected(std::move(done).error().context("LVM group " + printable(group)));
  return {};
}

int run(std::vector<std::string> arguments) {
  if (arguments.size() < 2) {
    std::cerr << "usage: loam-activate GROUP NODE...\n";
    return 2;
  }
  const auto group = arguments.front();
  arguments.erase(arguments.begin());
  const auto nodes = join(arguments, ",");
  // A disk that was pulled and put back has left a mapping to what it was; LVM takes that for active.
  auto done = vgchange("n", group, nodes).and_then([&] { return vgchange("y", group, nodes); });
  if (done) return 0;
  std::cout << nlohmann::json{{"error", done.error().text()}}.dump(-1, ' ', false,
                                                                   nlohmann::json::error_handler_t::replace)
            << '\n';
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  return loam::guard("loam-activate", [&] { return run({argv + 1, argv + argc}); });
}
