// loam-network-bench plan LINKS | event LINKS: seconds that planning so many links takes, or one link's event among so
// many. Not part of the image. `event` makes its links itself: run it in a network namespace of its own (unshare -n).
#include <charconv>
#include <chrono>
#include <format>
#include <iostream>
#include <thread>

#include "base/guard.hpp"
#include "model/parse.hpp"
#include "netcfg/diagnose.hpp"
#include "netcfg/interruptions.hpp"
#include "netcfg/networkd.hpp"
#include "netcfg/pins.hpp"
#include "netcfg/rtnl_socket.hpp"
#include "plan/node_plan.hpp"
#include "sys/subprocess.hpp"
#include "testing/cpu_seconds.hpp"

namespace {

using namespace loam;
using loam::testing::cpu_seconds;

// One bond of two NICs, and VLANs with addresses on it.
std::string config_with(int links) {
  std::string vlans;
  std::string interfaces;
  for (int i = 3; i < links; ++i) {
    vlans += std::format("    - {{name: v{0}, parent: bond0, id: {0}}}\n", i);
    interfaces += std::format("    - {{link: v{}, addresses: [10.{}.{}.1/24], ipv6: \"off\"}}\n", i, i / 256, i % 256);
  }
  return "version: 1\nnetwork:\n  nics:\n    - {name: nic0, match: {mac: \"52:54:00:00:00:01\"}}\n    - {name: nic1, "
         "match: {mac: \"52:54:00:00:00:02\"}}\n  bonds: [{name: bond0, members: [nic0, nic1]}]\n  vlans:\n" +
         vlans + "  interfaces:\n" + interfaces;
}

// What `loamctl plan` does with a parsed file: pins, files, difference to what is there, interruptions.
Result<void> plan(int links) {
  LOAM_TRY(const auto config, model::parse_config(config_with(links), "bench"));
  const auto before = *model::parse_config(config_with(4), "bench");
  std::map<std::string, std::string> observed;
  for (const auto& file : netcfg::render_network(netcfg::pinned_network(before.network, {})))
    observed[file.path] = file.content;
  const auto started = cpu_seconds();
  const auto pins = netcfg::pin_nics(config.network, {}, {}).pins;
  const auto network = netcfg::pinned_network(config.network, pins);
  const auto todo = plan::plan_node(netcfg::render_network(network), observed);
  const auto said = netcfg::interruptions(before, config);
  const auto seconds = cpu_seconds() - started;
  std::cout << std::format("{:.9f} {} actions, {} interruptions\n", seconds, todo.actions.size(), said.size());
  return {};
}

Result<void> make_links(int links) {
  std::string batch;
  for (int i = 0; i < links; i += 2)
    batch += std::format("link add v{} type veth peer name v{}\nlink set v{} up\n", i, i + 1, i);
  LOAM_CHECK(
      sys::run({"ip", "-batch", "-"}, {.timeout = std::chrono::seconds(120), .input = batch, .environment = {}}));
  return {};
}

// Carrier comes and goes on v0, through its peer, and what loamd does about it is measured: take, find, diagnose.
Result<void> event(int links) {
  constexpr int flaps = 200;
  LOAM_CHECK(make_links(links));
  LOAM_TRY(const auto config,
           model::parse_config("version: 1\nnetwork: {bridges: [{name: v0, members: []}]}\n", "bench"));
  LOAM_TRY(auto socket, netcfg::RtnlSocket::open());
  netcfg::LinkTable table;
  LOAM_CHECK(socket.dump([&](const auto& message) { table.apply(message); }));
  std::string batch;
  for (int i = 0; i < flaps; ++i) batch += "link set v1 up\nlink set v1 down\n";
  double spent = 0;
  std::size_t events = 0;
  std::jthread flapper([&batch] {
    const sys::RunOptions options{.timeout = std::chrono::seconds(120), .input = batch, .environment = {}};
    if (auto done = sys::run({"ip", "-batch", "-"}, options); !done) std::cerr << done.error().text() << '\n';
  });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (events < flaps && std::chrono::steady_clock::now() < deadline) {
    const auto started = cpu_seconds();
    std::size_t changed = 0;
    LOAM_TRY(const auto whole, socket.receive([&](const auto& message) {
      if (!table.apply(message)) return;
      ++changed;
      netcfg::diagnose(config.network, table, {});
    }));
    if (!whole) return fail("the kernel dropped messages");
    if (changed != 0) spent += cpu_seconds() - started;
    events += changed;
    if (changed == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));  // a poll of its own would be measured too
  }
  if (events < flaps) return fail(std::format("{} events came, {} were expected", events, flaps));
  std::cout << std::format("{:.9f} per event, {} events\n", spent / static_cast<double>(events), events);
  return {};
}

int run(std::string_view what, std::string_view number) {
  int links = 0;
  std::from_chars(number.data(), number.data() + number.size(), links);
  const auto done = what == "plan" ? plan(links) : event(links);
  if (!done) std::cerr << done.error().text() << '\n';
  return done ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: loam-network-bench plan|event LINKS\n";
    return 2;
  }
  return loam::guard("loam-network-bench", [&] { return run(argv[1], argv[2]); });
}
