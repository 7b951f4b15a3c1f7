#include "slots/install_plan.hpp"

#include <format>

#include "base/text.hpp"

namespace loam::slots {

std::string uki_name(const std::string& version, int tries) { return std::format("loam-{}+{}.efi", version, tries); }

namespace {

// The mark makes a disk ours to go on with only where our layout lies under it: else somebody else's table may have the
// name.
TargetState state_of(const InstallTarget& target, const Layout& layout) {
  const auto state = target_state(target.gpt);
  if (state != TargetState::installing) return state;
  if (!same_places(target.gpt, layout)) return TargetState::other;
  // It boots: only the same installation may take the mark away, for any other it is an installed disk.
  return target.bootable && target.installed_sha256 != target.config_sha256 ? TargetState::installed : state;
}

Result<void> refuse(const InstallTarget& target, TargetState state) {
  const bool consent_used = target.installed_sha256 == target.config_sha256;
  if (state == TargetState::installed && (!target.wipe_consented || consent_used))
    return fail(std::format("{} holds a Loam installation already; it was not touched", target.id),
                consent_used && target.wipe_consented
                    ? "boot from it; it was installed by this very loam.yaml, so a changed one is needed to erase it"
                    : std::format("boot from it, or add \"{}\" to install.wipe to erase it", target.id));
  if (state == TargetState::other && !target.blank && !target.wipe_consented)
    return fail(std::format("{} is not blank: it holds {}; it was not touched", target.id, target.content),
                std::format("choose another disk, or add \"{}\" to install.wipe to erase it", target.id));
  return {};
}

Result<void> check_sizes(const Manifest& manifest) {
  const auto root = manifest.files.at("root").size;
  const auto verity = manifest.files.at("verity").size;
  if (root > kind(Part::root_a).bytes || verity > kind(Part::verity_a).bytes)
    return fail(std::format("release {} does not fit a slot: root {}, verity {}", manifest.version, format_bytes(root),
                            format_bytes(verity)));
  return {};
}

class Builder {
 public:
  Builder(const InstallTarget& target, const Manifest& manifest, const Layout& layout)
      : target_(&target), manifest_(&manifest), layout_(&layout) {}

  plan::Plan finish_only() && {
    add("mark-installed", "the installation is whole; only its mark is left to remove");
    return std::move(plan_);
  }

  plan::Plan whole(TargetState state) && {
    const bool resume = state == TargetState::installing;
    if (!resume) {
      add("wipe", std::format("erase {} of {}", target_->content, format_bytes(target_->bytes)), !target_->blank);
      add("partition", std::format("ESP, two slots, loam, state ({})", format_bytes(layout_->at(Part::state).bytes)));
    }
    fill(resume);
    add("make-loam", "loam partition with loam.yaml and the machine's identity");
    plan_.actions.back().arguments["config-sha256"] = target_->config_sha256;
    add("make-state", "state partition, ext4");
    add("verify-slot", "read slot a back, past the cache");
    add("name-slot", "partition UUIDs from the root hash");
    add("install-boot",
        std::format("EFI system partition, FAT32, with systemd-boot and {}", uki_name(manifest_->version, boot_tries)));
    add("mark-installed", "remove the installing mark");
    return std::move(plan_);
  }

 private:
  void fill(bool resume) {
    add("fill-slot", std::format("{} into slot a{}", format_bytes(manifest_->files.at("root").size),
                                 resume ? ", keeping blocks that are right already" : ""));
    if (resume) plan_.actions.back().arguments["skip-identical"] = "true";
  }

  void add(std::string kind, std::string summary, bool destroys = false) {
    plan_.title = std::format("install Loam {} on {}", manifest_->version, target_->id);
    plan_.actions.push_back({.kind = std::move(kind),
                             .target = target_->id,
                             .summary = std::move(summary),
                             .destroys = destroys,
                             .arguments = {}});
  }

  const InstallTarget* target_;
  const Manifest* manifest_;
  const Layout* layout_;
  plan::Plan plan_;
};

}  // namespace

Result<plan::Plan> plan_install(const InstallTarget& target, const Manifest& manifest) {
  auto layout = layout_for(target.bytes, target.sector_size);
  if (!layout) return std::unexpected(std::move(layout).error().context(target.id));
  const auto state = state_of(target, *layout);
  LOAM_CHECK(refuse(target, state));
  LOAM_CHECK(check_sizes(manifest));
  Builder builder(target, manifest, *layout);
  if (state == TargetState::installing && target.bootable) return std::move(builder).finish_only();
  return std::move(builder).whole(state);
}

}  // namespace loam::slots
