// Any bytes as loam.yaml: a configuration or messages, and a configuration survives its canonical text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "model/parse.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = loam::model::parse_config(text, "fuzz");
  if (!config) return 0;
  const auto again = loam::model::parse_config(loam::model::format_config(*config), "again");
  if (!again || *again != *config) std::abort();
  return 0;
}
