#include "slots/slot_view.hpp"

#include <algorithm>
#include <format>

#include "base/text.hpp"
#include "slots/release.hpp"

namespace loam::slots {

namespace {

bool holds(const Gpt& gpt, SlotName slot, const Digest& root) {
  const auto* const data = gpt.find(number(root_part(slot)));
  const auto* const verity = gpt.find(number(verity_part(slot)));
  return data != nullptr && verity != nullptr && data->uuid == data_partition_uuid(root) &&
         verity->uuid == verity_partition_uuid(root);
}

std::string state_of(const SlotView& view) {
  if (view.version.empty()) return "empty";
  // Named and without a UKI: the last step of an upgrade is missing, or its UKI was taken away.
  if (!view.entry) return view.running ? "unbootable" : "incomplete";
  if (!view.entry->tries_left) return "blessed";
  if (view.entry->retired()) return "retired";
  return view.entry->can_boot() ? "trial" : "failed";
}

}  // namespace

std::vector<SlotView> view_slots(const Gpt& gpt, const std::vector<BootEntry>& entries,
                                 const std::vector<Manifest>& kept, const RunningSlot& running,
                                 const SlotChecks& checks) {
  std::vector<SlotView> views;
  for (const auto slot : {SlotName::a, SlotName::b}) {
    SlotView view{.slot = slot,
                  .running = false,
                  .version = {},
                  .root_hash = {},
                  .entry = {},
                  .uuid = {},
                  .bytes = 0,
                  .check = {},
                  .state = {}};
    if (const auto* const root = gpt.find(number(root_part(slot)))) {
      view.uuid = root->uuid;
      view.bytes = root->bytes;
    }
    const auto release =
        std::ranges::find_if(kept, [&](const Manifest& manifest) { return holds(gpt, slot, manifest.root_hash); });
    view.running = holds(gpt, slot, running.root_hash);
    if (view.running) {
      view.version = running.version;
      view.root_hash = running.root_hash;
    } else if (release != kept.end()) {
      view.version = release->version;
      view.root_hash = release->root_hash;
    }
    const auto entry = std::ranges::find(entries, view.version, &BootEntry::version);
    if (!view.version.empty() && entry != entries.end()) view.entry = *entry;
    if (const auto check = view.root_hash ? checks.find(to_hex(*view.root_hash)) : checks.end(); check != checks.end())
      view.check = check->second;
    view.state = state_of(view);
    views.push_back(std::move(view));
  }
  return views;
}

std::string state_text(const SlotView& view) {
  const auto tries = view.entry ? view.entry->tries_left.value_or(0) : 0;
  if (view.state == "trial") return std::format("on trial, {} {} left", tries, tries == 1 ? "try" : "tries");
  if (view.state == "failed") return "failed, no tries left";
  if (view.state == "retired") return "retired, starts only when nothing else does";
  if (view.state == "incomplete") return "incomplete, cannot start";
  if (view.state == "unbootable") return "its UKI is missing on the ESP";
  return view.state;
}

}  // namespace loam::slots
