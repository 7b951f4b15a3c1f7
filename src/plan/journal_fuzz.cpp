// Any bytes as a journal that a power cut left behind: a plan that is read is the one that would be written.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "plan/journal.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto plan = loam::plan::interrupted_in(text);
  if (plan && loam::plan::from_json(loam::plan::to_json(*plan)).value() != *plan) std::abort();
  return 0;
}
