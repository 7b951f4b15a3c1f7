// Any bytes as what networkctl, /proc/net/bonding and loam-netprobe print: values that can be shown, or an error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/text.hpp"
#include "netcfg/bonding_proc.hpp"
#include "netcfg/neighbours.hpp"
#include "netcfg/probes.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace loam;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto neighbours = netcfg::parse_neighbours(text))
    for (const auto& [link, neighbour] : *neighbours)
      if (neighbour.system != printable(neighbour.system)) std::abort();
  netcfg::parse_bonding_proc(text);
  const auto probes = netcfg::parse_probes(text);
  if (probes && netcfg::parse_probes(netcfg::to_json(*probes)).value() != *probes) std::abort();
  if (!netcfg::arping_answer(text).empty() && netcfg::arping_answer(text).size() != 17) std::abort();
  return 0;
}
