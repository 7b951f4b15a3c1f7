#include "verify_slot.hpp"

#include <unistd.h>

#include <format>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/file.hpp"
#include "base/text.hpp"
#include "observe_slots.hpp"
#include "slots/boot_facts.hpp"
#include "slots/gpt.hpp"
#include "slots/transfer.hpp"
#include "slots/upgrade_plan.hpp"

namespace loam::node {

using nlohmann::json;

namespace {

// Bytes that were read. The disk and where its partitions are: the device nodes of a slot that was filled meanwhile
// may still have what was there before in their caches.
Result<std::uint64_t> verify_one(const slots::BootFacts& boot, const slots::Gpt& gpt, const slots::SlotView& view) {
  const auto place = [&](slots::Part part) {
    return slots::Place{.path = boot.disk.disk, .offset = gpt.find(slots::number(part))->offset};
  };
  const auto hashes = place(slots::verity_part(view.slot));
  LOAM_TRY(auto tree, slots::VerityTree::open(hashes.path, hashes.offset, *view.root_hash));
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  auto verified = slots::verify(place(slots::root_part(view.slot)), tree, [&](const slots::Progress& progress) {
    if (terminal)
      std::cerr << std::format("\rslot {}: {} of {} ", slots::letter(view.slot), format_bytes(progress.done),
                               format_bytes(progress.total));
  });
  if (terminal) std::cerr << '\n';
  LOAM_CHECK(std::move(verified));
  return tree.data_bytes();
}

}  // namespace

Result<void> verify_slots(bool as_json) {
  LOAM_TRY(const auto text, read_file(slots::boot_facts_path));
  LOAM_TRY(const auto boot, slots::parse_boot_facts(text));
  if (boot.live) return fail("this system runs from a medium; it has no slot");
  LOAM_TRY(const auto views, observe_slots(boot));
  LOAM_TRY(const auto gpt, slots::read_gpt(boot.disk.disk, 512));
  json report = json::array();
  std::optional<Error> first;
  for (const auto& view : views) {
    if (!view.root_hash) continue;
    const auto read = verify_one(boot, gpt, view);
    if (!read && !first) first = Error(read.error()).context(std::format("slot {}", slots::letter(view.slot)));
    report.push_back({{"slot", std::string(1, slots::letter(view.slot))},
                      {"version", view.version},
                      {"verified", read.has_value()},
                      {"bytes", read.value_or(0)}});
    if (read && !as_json)
      std::cout << std::format("slot {} is good: Loam {}, {}\n", slots::letter(view.slot), view.version,
                               format_bytes(*read));
  }
  if (as_json) std::cout << report.dump(2) << '\n';
  if (first) return std::unexpected(*std::move(first));
  return {};
}

}  // namespace loam::node
