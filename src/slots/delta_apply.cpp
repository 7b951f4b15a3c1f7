#include "slots/delta_apply.hpp"

#include <algorithm>
#include <array>
#include <format>
#include <vector>

#include "base/zeros.hpp"
#include "slots/block_assembler.hpp"
#include "slots/block_hasher.hpp"
#include "slots/block_io.hpp"

namespace loam::slots {

namespace {

constexpr std::array<std::byte, block_size> zero_block{};
constexpr std::size_t most_unreadable = 1024;  // reads that fail

Result<void> index_active(const ActiveSlot& active, std::span<const std::byte> salt, const Digest& zero,
                          BlockIndex& index) {
  // With another salt its digests say nothing about the new release's.
  if (!std::ranges::equal(active.tree->salt(), salt)) return {};
  index.reserve(active.tree->data_blocks());
  for (std::uint64_t i = 0; i < active.tree->data_blocks(); ++i) {
    LOAM_TRY(const auto digest, active.tree->leaf(i));
    if (digest != zero) index.add(digest, i);
  }
  index.sort();
  return {};
}

Result<void> index_target(const DeltaTarget& target, std::span<const std::byte> salt, std::uint64_t blocks,
                          Seeds& seeds) {
  LOAM_TRY(auto reader, BlockReader::open(target.root, blocks));
  BlockHasher hash(salt);
  seeds.target.reserve(blocks);
  seeds.blank.resize(blocks);
  std::size_t unreadable = 0;
  for (std::uint64_t i = 0; i < blocks;) {
    auto run = reader.run(i);
    // A sector that cannot be read is written anew, which is what mends it; a disk full of them is not waited for.
    if (!run && ++unreadable > most_unreadable) return std::unexpected(std::move(run).error());
    if (!run) ++i;
    if (!run) continue;
    if (all_zero(*run)) {  // a slot that never held much
      const auto end = i + run->size() / block_size;
      for (; i < end; ++i) seeds.blank[i] = true;
      continue;
    }
    for (const auto& digest : hash(*run)) {
      seeds.blank[i] = digest == seeds.zero;
      if (!seeds.blank[i]) seeds.target.add(digest, i);
      ++i;
    }
  }
  seeds.target.sort();
  return {};
}

// One run of the engine.
class Filling {
 public:
  Filling(VerityTree& tree, std::vector<Origin> origins, BlockWriter writer, const DeltaOptions& options)
      : tree_(&tree),
        origins_(std::move(origins)),
        writer_(std::move(writer)),
        options_(&options),
        hash_(tree.salt()),
        hash_many_(tree.salt()) {
    report_.planned = summary(origins_);
  }

  Result<void> copy_local(const DeltaTarget& target, const std::optional<ActiveSlot>& active);
  Result<void> fetch(Source& source, const std::string& name);
  Result<DeltaReport> finish() {
    LOAM_CHECK(writer_.sync());
    return report_;
  }

 private:
  Result<bool> is_wanted(std::uint64_t index, Block block);
  Result<void> copy_one(std::uint64_t index, BlockReader& from);
  Result<void> take(const std::string& name, std::uint64_t offset, std::span<const std::byte> bytes,
                    BlockAssembler& blocks);
  Result<void> take_blocks(const std::string& name, std::uint64_t index, std::span<const std::byte> blocks);
  void tell();

  VerityTree* tree_;
  std::vector<Origin> origins_;
  BlockWriter writer_;
  const DeltaOptions* options_;
  SaltedSha256 hash_;
  BlockHasher hash_many_;
  DeltaReport report_;
  std::uint64_t needed_ = 0;   // blocks that no slot has
  std::uint64_t missing_ = 0;  // of these, still to be fetched
};

Result<bool> Filling::is_wanted(std::uint64_t index, Block block) {
  LOAM_TRY(const auto wanted, tree_->leaf(index));
  return hash_(block) == wanted;
}

void Filling::tell() {
  options_->progress(
      {.reused = (origins_.size() - needed_) * block_size, .fetched = report_.fetched, .left = missing_ * block_size});
}

// What a slot does not keep as its tree says is fetched.
Result<void> Filling::copy_one(std::uint64_t index, BlockReader& from) {
  const auto block = from.get(origins_[index].block());
  if (block) {
    LOAM_TRY(const bool wanted, is_wanted(index, *block));
    if (wanted) return writer_.put(index, *block);
  }
  ++report_.reread;
  origins_[index] = Origin(From::fetch, 0);
  return {};
}

Result<void> Filling::copy_local(const DeltaTarget& target, const std::optional<ActiveSlot>& active) {
  LOAM_TRY(auto old, BlockReader::open(target.root, target.bytes / block_size));
  std::optional<BlockReader> running;
  if (active) {
    LOAM_TRY(running, BlockReader::open(active->root, active->tree->data_blocks()));
  }
  for (std::uint64_t i = 0; i < origins_.size(); ++i) {
    const auto from = origins_[i].from();
    if (from == From::zero) LOAM_CHECK(writer_.put(i, zero_block));
    if (from == From::target) LOAM_CHECK(copy_one(i, old));
    if (from == From::active) LOAM_CHECK(copy_one(i, *running));
  }
  return writer_.sync();
}

Result<void> Filling::fetch(Source& source, const std::string& name) {
  needed_ = summary(origins_).fetched;
  missing_ = needed_;
  tell();
  if (missing_ == 0) return {};
  std::vector<Extent> wanted;
  for (const auto& run : runs_to_fetch(origins_, options_->coalescing))
    wanted.push_back({.offset = run.first * block_size, .bytes = run.blocks * block_size});
  BlockAssembler blocks(
      [&](std::uint64_t index, std::span<const std::byte> some) { return take_blocks(name, index, some); });
  LOAM_CHECK(source.parts(
      name, tree_->data_bytes(), wanted,
      [&](std::uint64_t offset, std::span<const std::byte> bytes) { return take(name, offset, bytes, blocks); }));
  if (missing_ == 0) return {};
  return fail(std::format("{}: {} blocks did not come", name, missing_), "try again; what came is kept");
}

Result<void> Filling::take(const std::string& name, std::uint64_t offset, std::span<const std::byte> bytes,
                           BlockAssembler& blocks) {
  if (offset > tree_->data_bytes() || bytes.size() > tree_->data_bytes() - offset)
    return fail(name + ": more came than the release has", "the server does not serve this release as it is");
  report_.fetched += bytes.size();
  LOAM_CHECK(blocks.put(offset, bytes));
  tell();
  return {};
}

// What lies between the blocks that are needed comes along, and is not looked at.
Result<void> Filling::take_blocks(const std::string& name, std::uint64_t index, std::span<const std::byte> blocks) {
  for (const auto& digest : hash_many_(blocks)) {
    if (origins_[index].from() == From::fetch) {
      LOAM_TRY(const auto wanted, tree_->leaf(index));
      if (digest != wanted)
        return fail(std::format("{}: block {} (byte {}) is not the release's", name, index, index * block_size),
                    "what is served is damaged, or another release; nothing of it was written");
      LOAM_CHECK(writer_.put(index, blocks.first<block_size>()));
      origins_[index] = Origin(From::here, index);
      --missing_;
    }
    blocks = blocks.subspan(block_size);
    ++index;
  }
  return {};
}

// What there is: the active slot by its tree, the target by reading as much of it as the release will take.
Result<Seeds> find_seeds(const DeltaTarget& target, const std::optional<ActiveSlot>& active, VerityTree& tree) {
  Seeds seeds;
  seeds.zero = SaltedSha256(tree.salt())(zero_block);
  if (active) LOAM_CHECK(index_active(*active, tree.salt(), seeds.zero, seeds.active));
  if (target.unused) return seeds;
  LOAM_CHECK(index_target(target, tree.salt(), std::min(target.bytes / block_size, tree.data_blocks()), seeds));
  return seeds;
}

Result<std::vector<Origin>> find_origins(VerityTree& tree, const DeltaTarget& target,
                                         const std::optional<ActiveSlot>& active) {
  LOAM_TRY(const auto seeds, find_seeds(target, active, tree));
  return plan_delta(tree.data_blocks(), [&](std::uint64_t i) { return tree.leaf(i); }, seeds);
}

}  // namespace

Result<DeltaSummary> measure_delta(VerityTree& tree, const DeltaTarget& target,
                                   const std::optional<ActiveSlot>& active) {
  return find_origins(tree, target, active).transform([](const auto& origins) { return summary(origins); });
}

Result<DeltaReport> apply_delta(VerityTree& tree, const DeltaTarget& target, const std::optional<ActiveSlot>& active,
                                Source& source, const std::string& name, const DeltaOptions& options) {
  if (tree.data_bytes() > target.bytes)
    return fail(std::format("the release has {} bytes, the slot {}", tree.data_bytes(), target.bytes),
                "nothing was written; this release does not fit this node");
  LOAM_TRY(auto origins, find_origins(tree, target, active));
  LOAM_TRY(auto writer, BlockWriter::open(target.root));
  Filling filling(tree, std::move(origins), std::move(writer), options);
  LOAM_CHECK(filling.copy_local(target, active));
  auto fetched = filling.fetch(source, name);
  // What came before an error is kept for the next time.
  auto report = filling.finish();
  if (!fetched) return std::unexpected(std::move(fetched).error());
  return report;
}

}  // namespace loam::slots
