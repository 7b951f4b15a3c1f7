#include "slots/upgrade_apply.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <format>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/scratch.hpp"
#include "base/text.hpp"
#include "base/zeros.hpp"
#include "slots/block_assembler.hpp"
#include "slots/block_io.hpp"
#include "slots/install_plan.hpp"
#include "slots/node_releases.hpp"
#include "slots/release.hpp"
#include "slots/release_build.hpp"
#include "slots/sha256.hpp"
#include "slots/slot_checks.hpp"
#include "slots/upgrade_record.hpp"

namespace loam::slots {

namespace fs = std::filesystem;

namespace {

constexpr const char* ukis = "/EFI/Linux";
std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }
std::string on_esp(const std::string& name) { return std::format("{}/{}", ukis, name); }

}  // namespace

// What the other slot has on the ESP goes first, so it counts as free.
Result<void> observe_upgrade(const UpgradeDisk& disk, const EspFiles& esp, UpgradeFacts& facts) {
  facts.machine = this_machine;
  LOAM_TRY(facts.gpt, read_gpt(disk.path, disk.sector_size));
  LOAM_TRY(facts.uki_files, esp.list(ukis));
  LOAM_TRY(facts.esp_free, esp.free_bytes());
  facts.uki_bytes.clear();
  for (const auto& name : foreign_ukis(facts.uki_files, facts.version)) {
    LOAM_TRY(const auto bytes, esp.size(on_esp(name)));
    facts.esp_free += bytes;
    facts.uki_bytes[name] = bytes;
  }
  LOAM_TRY(const auto scratch, ScratchFile::make());
  facts.running_starts = std::ranges::any_of(facts.uki_files, [&](const std::string& name) {
    const auto entry = parse_boot_entry(name);
    return entry && entry->version == facts.version && esp.copy_out(on_esp(name), scratch.path()) &&
           describe_uki(scratch.path());
  });
  return {};
}

UpgradeApply::UpgradeApply(UpgradeDisk disk, UpgradeFacts facts, const OfferedRelease& offered, const EspFiles& esp,
                           Tell tell)
    : disk_(std::move(disk)), facts_(std::move(facts)), offered_(&offered), esp_(&esp), tell_(std::move(tell)) {}

plan::Handlers UpgradeApply::handlers() {
  using plan::Action;
  return {{"retire-slot", [this](const Action&) { return retire_slot(); }},
          {"fetch-tree", [this](const Action&) { return fetch_tree(); }},
          {"fill-slot", [this](const Action&) { return fill_slot(); }},
          {"verify-slot", [this](const Action&) { return verify_slot(); }},
          {"name-slot", [this](const Action&) { return name_slot(); }},
          {"keep-release", [this](const Action&) { return keep(); }},
          {"install-uki", [this](const Action&) { return install_uki(); }},
          {"retire-running", [this](const Action&) { return retire_running(); }}};
}

Result<Place> UpgradeApply::place(Part part) const {
  const auto* const partition = facts_.gpt.find(number(part));
  if (partition == nullptr) return fail(std::format("{} has no partition {}", disk_.path.string(), number(part)));
  return Place{.path = disk_.path, .offset = partition->offset};
}

Result<void> UpgradeApply::name(const std::string& data_uuid, const std::string& verity_uuid) {
  LOAM_TRY(const auto slot, target());
  LOAM_CHECK(set_partition_uuid(disk_.path, disk_.sector_size, number(root_part(slot)), data_uuid));
  return set_partition_uuid(disk_.path, disk_.sector_size, number(verity_part(slot)), verity_uuid);
}

// A slot without a tree never held a release. One whose tree is only beginning to come has no superblock either, but
// the old tree behind it.
Result<bool> UpgradeApply::never_used() const {
  LOAM_TRY(const auto slot, target());
  LOAM_TRY(const auto verity, place(verity_part(slot)));
  LOAM_TRY(const auto disk, open_file(verity.path, O_RDONLY));
  std::array<std::byte, 2 * block_size> head{};
  const bool read = read_exact(disk.get(), head, verity.offset).has_value();
  return read && all_zero(head);
}

// Of a release that is not all there yet, nothing is worth what the other slot still holds.
Result<void> UpgradeApply::check_offer() const {
  for (const auto* const part : {"root", "verity", "efi"}) {
    const auto size = offered_->manifest.files.at(part).size;
    const std::array<Extent, 1> head = {{{.offset = 0, .bytes = std::min<std::uint64_t>(size, block_size)}}};
    LOAM_CHECK(offered_->source->parts(offered_->file(part), size, head,
                                       [](std::uint64_t, std::span<const std::byte>) -> Result<void> { return {}; }));
  }
  return {};
}

// Its UKIs first: what can be chosen in the boot menu is whole at every moment.
Result<void> UpgradeApply::retire_slot() {
  LOAM_CHECK(check_offer());
  LOAM_TRY(unused_, never_used());
  LOAM_TRY(const auto files, esp_->list(ukis));
  for (const auto& name : foreign_ukis(files, facts_.version)) LOAM_CHECK(esp_->remove(on_esp(name)));
  LOAM_TRY(const auto data, random_uuid());
  LOAM_TRY(const auto verity, random_uuid());
  return name(data, verity);
}

// The superblock last: without it nothing takes the area for a tree. In whole blocks past the cache, so that a sector
// which cannot be read is written and not read before that.
Result<void> UpgradeApply::load_tree_to(const Place& to) {
  const auto& file = offered_->manifest.files.at("verity");
  if (file.size == 0 || file.size % block_size != 0)
    return fail(std::format("{}: {} bytes are no hash tree", offered_->file("verity"), file.size));
  std::array<std::byte, block_size> head{};
  LOAM_TRY(auto out, BlockWriter::open(to));
  LOAM_CHECK(out.put(0, head));
  LOAM_CHECK(out.sync());
  BlockAssembler blocks([&](std::uint64_t index, std::span<const std::byte> some) -> Result<void> {
    for (; !some.empty(); some = some.subspan(block_size), ++index) {
      if (index > 0) LOAM_CHECK(out.put(index, some.first<block_size>()));
      if (index == 0) std::ranges::copy(some.first<block_size>(), head.begin());
    }
    return {};
  });
  const std::array<Extent, 1> all = {{{.offset = 0, .bytes = file.size}}};
  LOAM_CHECK(offered_->source->parts(
      offered_->file("verity"), file.size, all, [&](std::uint64_t offset, std::span<const std::byte> bytes) {
        tell_({.progress = {.done = offset + bytes.size(), .total = file.size}, .delta = {}});
        return blocks.put(offset, bytes);
      }));
  LOAM_CHECK(out.sync());
  LOAM_CHECK(out.put(0, head));
  LOAM_CHECK(out.sync());
  LOAM_TRY(const auto written, open_file(to.path, O_RDONLY));
  LOAM_TRY(const auto digest, sha256_range(written.get(), to.offset, file.size));
  if (digest == file.sha256) return {};
  return fail(std::format("{}: its SHA-256 is {}, {} was expected", offered_->file("verity"), digest, file.sha256),
              "what is served is damaged, or another release; the release that runs was not changed");
}

Result<void> UpgradeApply::fetch_tree() {
  if (target_tree()) return {};  // it came before
  LOAM_TRY(const auto slot, target());
  LOAM_TRY(const auto to, place(verity_part(slot)));
  LOAM_CHECK(load_tree_to(to));
  return target_tree().transform([](const auto&) {});
}

Result<VerityTree> UpgradeApply::target_tree() const {
  LOAM_TRY(const auto slot, target());
  LOAM_TRY(const auto from, place(verity_part(slot)));
  LOAM_TRY(auto tree, VerityTree::open(from.path, from.offset, offered_->manifest.root_hash));
  const auto wanted = offered_->manifest.files.at("root").size;
  if (tree.data_bytes() == wanted) return tree;
  return fail(std::format("the tree is for {} bytes of data, the manifest says {}", tree.data_bytes(), wanted));
}

Result<DeltaTarget> UpgradeApply::target_root() const {
  LOAM_TRY(const auto slot, target());
  LOAM_TRY(const auto root, place(root_part(slot)));
  return DeltaTarget{.root = root, .bytes = facts_.gpt.find(number(root_part(slot)))->bytes, .unused = unused_};
}

Result<std::optional<ActiveSlot>> UpgradeApply::active(std::optional<VerityTree>& tree) const {
  LOAM_TRY(const auto slot, running());
  LOAM_TRY(const auto root, place(root_part(slot)));
  LOAM_TRY(const auto hashes, place(verity_part(slot)));
  auto opened = VerityTree::open(hashes.path, hashes.offset, facts_.root_hash);
  if (!opened) return std::optional<ActiveSlot>{};
  tree = *std::move(opened);
  return ActiveSlot{.root = root, .tree = &*tree};
}

Result<void> UpgradeApply::fill_slot() {
  LOAM_TRY(auto tree, target_tree());
  LOAM_TRY(const auto to, target_root());
  std::optional<VerityTree> seeds;
  LOAM_TRY(const auto from, active(seeds));
  DeltaOptions options;
  options.progress = [&](const DeltaProgress& delta) {
    tell_({.progress = {.done = tree.data_bytes() - delta.left, .total = tree.data_bytes()}, .delta = delta});
  };
  return apply_delta(tree, to, from, *offered_->source, offered_->file("root"), options).transform([](const auto&) {});
}

Result<void> UpgradeApply::verify_slot() {
  LOAM_TRY(auto tree, target_tree());
  LOAM_TRY(const auto to, target_root());
  LOAM_CHECK(verify(to.root, tree, [&](const Progress& progress) { tell_({.progress = progress, .delta = {}}); }));
  return note_slot_check(disk_.state / file_name(slot_checks_path), to_hex(offered_->manifest.root_hash),
                         {.when = std::time(nullptr), .problem = {}});
}

Result<void> UpgradeApply::name_slot() {
  const auto& root = offered_->manifest.root_hash;
  return name(data_partition_uuid(root), verity_partition_uuid(root));
}

namespace {

// What a release of long ago had, nobody wants back with it: neither its keys nor its network.
Result<void> forget_configs_but(const fs::path& folder, const std::string& version) {
  std::error_code problem;
  if (!fs::exists(folder, problem)) return {};
  std::vector<fs::path> old;
  for (auto entry = fs::directory_iterator(folder, problem); entry != fs::directory_iterator();
       entry.increment(problem))
    if (entry->path().filename() != version) old.push_back(entry->path());
  for (const auto& path : old)
    if (!problem) fs::remove_all(path, problem);
  return problem ? fail(std::format("{}: {}", folder.string(), problem.message())) : Result<void>{};
}

}  // namespace

Result<void> UpgradeApply::keep() {
  const auto& version = offered_->manifest.version;
  LOAM_CHECK(keep_release(disk_.releases, version, offered_->manifest_text, offered_->signature_text));
  LOAM_CHECK(forget_releases_but(disk_.releases, {version, facts_.version}));
  LOAM_CHECK(forget_configs_but(disk_.state / "config-of", facts_.version));
  // Before anything can start it: whatever comes then knows what was meant.
  return mean_release(disk_.state,
                      {.from = facts_.version, .meant = version, .failure = {}, .by_itself = disk_.by_itself});
}

Result<UkiSeeds> UpgradeApply::uki_seeds(const fs::path& scratch) const {
  UkiSeeds seeds;
  LOAM_TRY(const auto files, esp_->list(ukis));
  for (const auto& name : files) {
    const auto entry = parse_boot_entry(name);
    if (!entry || entry->version != facts_.version) continue;
    if (!esp_->copy_out(on_esp(name), scratch / name)) continue;  // what cannot be read is fetched
    seeds.add(scratch / name);
  }
  return seeds;
}

Result<void> UpgradeApply::install_uki() {
  LOAM_TRY(const auto scratch, ScratchDirectory::make());
  LOAM_TRY(const auto seeds, uki_seeds(scratch.path()));
  const auto& manifest = offered_->manifest;
  const auto made = scratch.path() / "uki";
  const auto total = seeds.missing(manifest);
  LOAM_TRY(const auto to, target_root());
  LOAM_CHECK(fetch_uki(manifest, seeds, to.root, *offered_->source, made, [&](std::uint64_t fetched) {
    tell_({.progress = {.done = fetched, .total = total}, .delta = {}});
  }));
  const auto name = uki_name(manifest.version, boot_tries);
  LOAM_CHECK(esp_->put(made, on_esp(name)));
  return remove_other_counters(name);
}

// What an upgrade left that was cut off right here, was started, and is done again.
Result<void> UpgradeApply::remove_other_counters(const std::string& name) const {
  LOAM_TRY(const auto files, esp_->list(ukis));
  for (const auto& file : files) {
    const auto entry = parse_boot_entry(file);
    if (entry && entry->version == offered_->manifest.version && file != name) LOAM_CHECK(esp_->remove(on_esp(file)));
  }
  return {};
}

Result<void> UpgradeApply::retire_running() {
  LOAM_TRY(const auto lock, esp_->lock(long_esp_lock));
  LOAM_TRY(const auto files, esp_->list(ukis));
  for (const auto& name : files) {
    const auto entry = parse_boot_entry(name);
    if (entry && entry->version == facts_.version && !entry->retired())
      LOAM_CHECK(esp_->rename(on_esp(name), on_esp(uki_name(facts_.version, 0))));
  }
  return {};
}

Result<UpgradeSize> UpgradeApply::measure() {
  LOAM_TRY(const auto scratch, ScratchFile::make());
  const auto& manifest = offered_->manifest;
  UpgradeSize size;
  LOAM_TRY(unused_, never_used());
  auto tree = target_tree();
  if (!tree) {
    size.tree = manifest.files.at("verity").size;
    LOAM_CHECK(scratch.resize(size.tree));
    LOAM_CHECK(load_tree_to({.path = scratch.path(), .offset = 0}));
    LOAM_TRY(tree, VerityTree::open(scratch.path(), 0, manifest.root_hash));
  }
  LOAM_TRY(const auto to, target_root());
  std::optional<VerityTree> seeds;
  LOAM_TRY(const auto from, active(seeds));
  LOAM_TRY(size.blocks, measure_delta(*tree, to, from));
  LOAM_TRY(const auto folder, ScratchDirectory::make());
  LOAM_TRY(const auto sections, uki_seeds(folder.path()));
  // Without ranges what is needed of a file comes with all of it.
  const auto bytes = [&](const char* file, std::uint64_t needed) {
    return needed == 0 || facts_.ranges ? needed : manifest.files.at(file).size;
  };
  size.root = bytes("root", size.blocks.fetched * block_size);
  size.uki = bytes("efi", sections.missing(manifest));
  return size;
}

}  // namespace loam::slots
