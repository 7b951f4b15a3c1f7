#include "verify_slot.hpp"

#include <unistd.h>

#include <format>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/text.hpp"
#include "slots/boot_facts.hpp"
#include "slots/transfer.hpp"

namespace loam::node {

Result<void> verify_booted_slot(bool as_json) {
  LOAM_TRY(const auto text, read_file(slots::boot_facts_path));
  LOAM_TRY(const auto boot, slots::parse_boot_facts(text));
  if (boot.live) return fail("this system runs from a medium; it has no slot");
  LOAM_TRY(const auto root, slots::parse_digest(boot.root_hash));
  LOAM_TRY(auto tree, slots::VerityTree::open(boot.disk.verity, 0, root));
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  auto verified = slots::verify({.path = boot.disk.root, .offset = 0}, tree, [&](const slots::Progress& progress) {
    if (terminal) std::cerr << std::format("\r{} of {} ", format_bytes(progress.done), format_bytes(progress.total));
  });
  if (terminal) std::cerr << '\n';
  LOAM_CHECK(std::move(verified));
  if (as_json) {
    std::cout << nlohmann::json{{"verified", true}, {"bytes", tree.data_bytes()}}.dump(2) << '\n';
  } else {
    std::cout << std::format("the booted slot is good: {} in {} blocks\n", format_bytes(tree.data_bytes()),
                             tree.data_blocks());
  }
  return {};
}

}  // namespace loam::node
