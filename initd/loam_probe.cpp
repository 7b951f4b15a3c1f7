// loam-probe DISK...: what is on each disk, one JSON object a line, in the order in which they answer. loamd runs it as
// a child: a disk that does not answer holds up its own thread only, and never the supervisor.
#include <unistd.h>

#include <iostream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "diskmgr/observe.hpp"

namespace {

using nlohmann::json;

std::string describe(const std::string& node) {
  const auto content = loam::diskmgr::probe_content(node);
  json line = {{"node", node}};
  if (content) {
    line["content"] = json::parse(to_json(*content));
  } else {
    line["problem"] = content.error().text();
  }
  return line.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> nodes(argv + 1, argv + argc);
  std::mutex output;
  std::vector<std::jthread> probes;
  probes.reserve(nodes.size());
  for (const auto& node : nodes)
    probes.emplace_back([&output, node] {
      const auto line = describe(node);
      const std::scoped_lock lock(output);
      std::cout << line << '\n' << std::flush;
    });
  probes.clear();  // waits for all
  return 0;
}
