// JSON about disks, from programs and from the ledger. The first byte says which.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "diskmgr/content.hpp"
#include "diskmgr/health.hpp"
#include "diskmgr/ledger.hpp"

namespace {

// What we made of it can be read again: it goes from child to loamd so.
void check(const loam::Result<loam::diskmgr::Health>& health) {
  if (health && !loam::diskmgr::parse_health(to_json(*health))) std::abort();
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace loam::diskmgr;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 0) check(parse_smartctl(text));
  if (data[0] == 1) check(parse_nvme(text));
  if (data[0] == 2) check(parse_health(text));
  if (data[0] == 3)
    if (const auto content = parse_content(text)) static_cast<void>(to_text(*content) + to_json(*content));
  if (data[0] == 4)
    if (const auto ledger = parse_ledger(text)) static_cast<void>(to_json(*ledger));
  return 0;
}
