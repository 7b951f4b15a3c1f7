// Any bytes as the network section of loam.yaml: what is valid renders the same from its canonical text, changes
// nothing the second time, and can be diagnosed and probed.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "model/parse.hpp"
#include "netcfg/diagnose.hpp"
#include "netcfg/firewall.hpp"
#include "netcfg/interruptions.hpp"
#include "netcfg/networkd.hpp"
#include "netcfg/pins.hpp"
#include "netcfg/probes.hpp"
#include "plan/node_plan.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace loam;
  const std::string text = "version: 1\nnetwork:\n" + std::string(reinterpret_cast<const char*>(data), size);
  const auto config = model::parse_config(text, "fuzz");
  if (!config) return 0;
  const auto again = model::parse_config(model::format_config(*config), "again");
  if (!again || *again != *config) std::abort();
  const auto pins = netcfg::pin_nics(config->network, {}, {}).pins;
  const auto network = netcfg::pinned_network(config->network, pins);
  const auto files = netcfg::render_network(network);
  if (files != netcfg::render_network(netcfg::pinned_network(again->network, pins))) std::abort();
  std::map<std::string, std::string> written;
  for (const auto& file : files) written[file.path] = file.content;
  if (written.size() != files.size() || !plan::plan_node(files, written).empty()) std::abort();
  if (netcfg::render_firewall(*config) != netcfg::render_firewall(*again)) std::abort();
  if (!netcfg::interruptions(*config, *config).empty()) std::abort();
  netcfg::diagnose(network, netcfg::LinkTable{}, {});
  const auto probes = netcfg::probes_of(*config);
  if (netcfg::parse_probes(netcfg::to_json(probes)).value() != probes) std::abort();
  return 0;
}
