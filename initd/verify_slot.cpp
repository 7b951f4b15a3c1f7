#include "verify_slot.hpp"

#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <format>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/file.hpp"
#include "base/text.hpp"
#include "observe_slots.hpp"
#include "slots/boot_facts.hpp"
#include "slots/gpt.hpp"
#include "slots/installed_uki.hpp"
#include "slots/mounted_esp.hpp"
#include "slots/node_releases.hpp"
#include "slots/slot_checks.hpp"
#include "slots/transfer.hpp"
#include "slots/upgrade_plan.hpp"

namespace loam::node {

using nlohmann::json;

namespace {

// Bytes that were read. The disk and where its partitions are: the device nodes of a slot that was filled meanwhile
// may still have what was there before in their caches.
Result<std::uint64_t> verify_root(const slots::BootFacts& boot, const slots::Gpt& gpt, const slots::SlotView& view) {
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

struct Verified {
  std::uint64_t bytes = 0;
  bool uki = false;  // it was compared, too: the release's manifest is kept
};

Result<Verified> verify_one(const slots::BootFacts& boot, const slots::Gpt& gpt, const slots::SlotView& view) {
  LOAM_TRY(const auto bytes, verify_root(boot, gpt, view));
  const auto kept = slots::kept_releases(slots::kept_releases_path);
  const auto manifest = std::ranges::find(kept, *view.root_hash, &slots::Manifest::root_hash);
  if (manifest == kept.end()) return Verified{.bytes = bytes, .uki = false};
  LOAM_TRY(const auto esp, slots::MountedEsp::mounted_at());
  LOAM_CHECK(slots::verify_installed_uki(esp, *manifest));
  return Verified{.bytes = bytes, .uki = true};
}

// Every slot that is known to hold a release; what came of it is remembered.
class Round {
 public:
  void take(const slots::SlotView& view, const Result<Verified>& verified) {
    const auto letter = slots::letter(view.slot);
    const auto problem = verified ? "" : verified.error().text();
    report_.push_back({{"slot", std::string(1, letter)},
                       {"version", view.version},
                       {"verified", verified.has_value()},
                       {"bytes", verified ? verified->bytes : 0},
                       {"uki", verified && verified->uki},
                       {"problem", problem}});
    if (verified)
      text_ += std::format("slot {} is good: Loam {}, {}{}\n", letter, view.version, format_bytes(verified->bytes),
                           verified->uki ? ", and its UKI" : "; its manifest is not kept, so its UKI was not compared");
    if (!verified) keep(Error(verified.error()).context(std::format("slot {}", letter)));
    if (auto noted = slots::note_slot_check(slots::slot_checks_path, to_hex(*view.root_hash),
                                            {.when = std::time(nullptr), .problem = problem});
        !noted)
      keep(std::move(noted).error());
  }
  Result<void> end(bool as_json) {
    std::cout << (as_json ? report_.dump(2, ' ', false, json::error_handler_t::replace) + "\n" : text_);
    if (first_) return std::unexpected(*std::move(first_));
    if (report_.empty())
      return fail("no slot holds a release that is known: nothing was read", "loamctl slots shows what there is");
    return {};
  }

 private:
  void keep(Error error) {
    if (!first_) first_ = std::move(error);
  }

  json report_ = json::array();
  std::string text_;
  std::optional<Error> first_;
};

}  // namespace

Result<void> verify_slots(bool as_json) {
  LOAM_TRY(const auto text, read_file(slots::boot_facts_path));
  LOAM_TRY(const auto boot, slots::parse_boot_facts(text));
  if (boot.live) return fail("this system runs from a medium; it has no slot");
  LOAM_TRY(const auto views, observe_slots(boot));
  LOAM_TRY(const auto gpt, slots::read_gpt(boot.disk.disk, 512));
  Round round;
  for (const auto& view : views)
    if (view.root_hash) round.take(view, verify_one(boot, gpt, view));
  return round.end(as_json);
}

}  // namespace loam::node
