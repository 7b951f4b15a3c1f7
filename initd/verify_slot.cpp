#include "verify_slot.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <format>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/text.hpp"
#include "slots/boot_facts.hpp"
#include "slots/transfer.hpp"

namespace loam::node {

namespace {

Result<slots::VerityTree> read_tree(const std::string& hashes, const slots::Digest& root) {
  LOAM_TRY(const auto fd, open_file(hashes, O_RDONLY));
  ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
  std::vector<std::byte> head(slots::block_size);
  LOAM_CHECK(read_exact(fd.get(), head, 0));
  LOAM_TRY(const auto superblock, slots::parse_superblock(head));
  const auto bytes = slots::hash_area_bytes(superblock.data_blocks);
  if (bytes > slots::kind(slots::Part::verity_a).bytes)
    return fail(std::format("{}: the superblock asks for {}, more than a slot has", hashes, format_bytes(bytes)));
  std::vector<std::byte> area(bytes);
  LOAM_CHECK(read_exact(fd.get(), area, 0));
  return slots::VerityTree::load(std::move(area), root);
}

}  // namespace

Result<void> verify_booted_slot(bool as_json) {
  LOAM_TRY(const auto text, read_file(slots::boot_facts_path));
  LOAM_TRY(const auto boot, slots::parse_boot_facts(text));
  if (boot.live) return fail("this system runs from a medium; it has no slot");
  LOAM_TRY(const auto root, slots::parse_digest(boot.root_hash));
  LOAM_TRY(const auto tree, read_tree(boot.disk.verity, root));
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
