// Any bytes as a manifest, its signature, a verity hash area, a UKI, its file name, a partition table as sfdisk prints
// it, boot facts, a Content-Range, the name in "latest", and the small files that a node keeps.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "slots/boot_entries.hpp"
#include "slots/boot_facts.hpp"
#include "slots/find_release.hpp"
#include "slots/gpt.hpp"
#include "slots/http_range.hpp"
#include "slots/manifest.hpp"
#include "slots/node_releases.hpp"
#include "slots/pem.hpp"
#include "slots/running_release.hpp"
#include "slots/signature.hpp"
#include "slots/slot_checks.hpp"
#include "slots/uki.hpp"
#include "slots/verity.hpp"

namespace {

using namespace loam::slots;

void check_manifest(std::string_view text) {
  const auto manifest = parse_manifest(text);
  if (manifest && (manifest->files.size() != 4 || manifest->version.empty())) std::abort();
}

void check_table(std::string_view text) {
  const auto gpt = parse_sfdisk_json(text, 512);
  if (gpt && gpt->find(-1) != nullptr) std::abort();
}

void check_entry(std::string_view text) {
  const auto entry = parse_boot_entry(std::string(text));
  if (entry && entry->can_boot() != (entry->tries_left.value_or(1) > 0)) std::abort();
}

void check_facts(std::string_view text) {
  const auto facts = parse_boot_facts(text);
  if (facts && to_json(*parse_boot_facts(to_json(*facts))) != to_json(*facts)) std::abort();
}

// The root hash is in front of the area, as if it had been signed: without the right one nothing below it is looked at.
void check_tree(std::span<const std::byte> input) {
  Digest root{};
  if (input.size() < root.size()) return;
  std::ranges::copy(input.first(root.size()), root.begin());
  const auto area = input.subspan(root.size());
  const auto superblock = parse_superblock(area);
  const auto read = [area](std::uint64_t offset, std::span<std::byte> bytes) -> loam::Result<void> {
    if (offset > area.size() || bytes.size() > area.size() - offset) return loam::fail("cut off");
    std::ranges::copy(area.subspan(offset, bytes.size()), bytes.begin());
    return {};
  };
  auto tree = VerityTree::load(read, root);
  if (!tree) return;
  if (!superblock || tree->data_blocks() != superblock->data_blocks) std::abort();
  // What was found good is good: the area is the same.
  for (std::uint64_t block = 0; block < tree->data_blocks(); ++block)
    if (!tree->leaf(block)) std::abort();
}

// What it brings along as certificate is trusted: so all of the way is gone.
void check_signature(std::string_view text) {
  const auto blocks = parse_pem(text);
  if (!blocks) return;
  const auto verified = verify_signature("manifest", text, {.authorities = {blocks->back().data}, .revoked = {}});
  if (verified && verified->key.size() != 64) std::abort();
}

void check_uki(std::string_view text) {
  constexpr std::uint64_t bytes = 1U << 20U;
  const auto parts = parse_uki(std::as_bytes(std::span(text)), bytes);
  if (!parts) return;
  std::uint64_t at = 0;
  for (const auto& part : *parts) {
    if (part.offset != at || part.bytes == 0) std::abort();
    at += part.bytes;
  }
  if (at != bytes) std::abort();
}

void check_words(std::string_view text) {
  const auto range = parse_content_range(text);
  if (range && (range->first > range->last || range->last >= range->total)) std::abort();
  const auto latest = parse_latest(text);
  if (latest && latest->contains('/')) std::abort();
}

void check_kept(std::string_view text) {
  const auto state = parse_trust_state(text);
  if (state && parse_trust_state(to_json(*state)) != *state) std::abort();
  for (const auto& [root_hash, check] : parse_slot_checks(text))
    if (check_text(&check).empty()) std::abort();
  const auto running = parse_running_release(text);
  if (running && running->version.size() > text.size()) std::abort();
}

}  // namespace

// The first byte chooses the parser.
// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 9) {
    case 0: check_manifest(text); break;
    case 1: check_table(text); break;
    case 2: check_entry(text); break;
    case 3: check_facts(text); break;
    case 5: check_signature(text); break;
    case 6: check_uki(text); break;
    case 7: check_words(text); break;
    case 8: check_kept(text); break;
    default: check_tree(std::as_bytes(std::span(text)));
  }
  return 0;
}
