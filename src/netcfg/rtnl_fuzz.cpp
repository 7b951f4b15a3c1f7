// Any bytes as a datagram of the kernel: messages or an error, and the same ones each time.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "netcfg/rtnl.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto datagram = std::as_bytes(std::span(data, size));
  const auto messages = loam::netcfg::parse_rtnl(datagram);
  if (messages && *messages != loam::netcfg::parse_rtnl(datagram).value()) std::abort();
  return 0;
}
