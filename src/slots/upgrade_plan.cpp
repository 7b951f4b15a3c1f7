#include "slots/upgrade_plan.hpp"

#include <algorithm>
#include <format>
#include <limits>

#include "base/text.hpp"
#include "slots/install_plan.hpp"
#include "slots/release.hpp"
#include "slots/version.hpp"

namespace loam::slots {

Result<SlotName> running_slot(const Gpt& gpt, const Digest& root_hash) {
  const auto uuid = data_partition_uuid(root_hash);
  for (const auto slot : {SlotName::a, SlotName::b}) {
    const auto* const root = gpt.find(number(root_part(slot)));
    if (root != nullptr && root->uuid == uuid) return slot;
  }
  return fail(std::format("no slot of this disk is the one that runs: none has the partition UUID {}", uuid),
              "the partition table was changed; restart, and look at loamctl slots");
}

std::vector<std::string> foreign_ukis(const std::vector<std::string>& uki_files, const std::string& version) {
  std::vector<std::string> found;
  for (const auto& name : uki_files) {
    // What was cut off while it was written; that of the release that runs is its blessing, which may be under way.
    constexpr std::string_view aside = ".new";
    const auto whole = std::string_view(name).substr(0, name.size() - (name.ends_with(aside) ? aside.size() : 0));
    const auto entry = parse_boot_entry(whole);
    if (entry && entry->version != version) found.push_back(name);
  }
  return found;
}

namespace {

const Partition* partition(const UpgradeFacts& facts, Part part) { return facts.gpt.find(number(part)); }

Result<SlotName> target_slot(const UpgradeFacts& facts) {
  LOAM_TRY(const auto running, running_slot(facts.gpt, facts.root_hash));
  const auto target = other(running);
  if (partition(facts, root_part(target)) != nullptr && partition(facts, verity_part(target)) != nullptr) return target;
  return fail(std::format("this disk has no slot {}", letter(target)),
              "the partition table was changed; install again");
}

// Partition numbers, UUIDs and sizes.
bool named_for(const UpgradeFacts& facts, SlotName slot, const Digest& root) {
  const auto* const data = partition(facts, root_part(slot));
  const auto* const verity = partition(facts, verity_part(slot));
  return data != nullptr && verity != nullptr && data->uuid == data_partition_uuid(root) &&
         verity->uuid == verity_partition_uuid(root);
}

int minor_of(const std::string& kubernetes) {
  const auto parts = split(kubernetes, '.');
  return parts.size() < 2 ? 0 : static_cast<int>(leading_number(parts[1]));
}

int major_of(const std::string& kubernetes) { return static_cast<int>(leading_number(kubernetes)); }

Result<void> check_machine(const UpgradeFacts& facts, const Manifest& manifest) {
  if (manifest.machine == facts.machine) return {};
  return fail(std::format("Loam {} is for {}, this machine is {}", manifest.version, manifest.machine, facts.machine),
              "fetch the release that was made for it");
}

Result<void> check_version(const UpgradeFacts& facts, const Manifest& manifest, Force force) {
  if (compare_versions(manifest.version, facts.version) == 0)
    return fail(
        manifest.root_hash == facts.root_hash
            ? std::format("Loam {} is what runs", facts.version)
            : std::format("another Loam {} runs: two releases with one version cannot be told apart", facts.version));
  if (compare_versions(facts.version, manifest.upgrade_from) < 0)
    return fail(std::format("Loam {} upgrades from {} or newer, {} runs", manifest.version, manifest.upgrade_from,
                            facts.version),
                std::format("upgrade to {} first", manifest.upgrade_from));
  if (force == Force::no && compare_versions(manifest.version, facts.floor) < 0)
    return fail(
        std::format("Loam {} is older than {}, the oldest that is still installed here", manifest.version, facts.floor),
        "what it lacks was found to be dangerous; --force installs it all the same");
  // Who holds back or replays what a server says is newest would take every node back.
  if (force == Force::no && !facts.named && compare_versions(manifest.version, facts.version) < 0)
    return fail(std::format("Loam {} is offered as the latest, and is older than {}, which runs", manifest.version,
                            facts.version),
                "name its manifest in place of the directory to go back to it, or use --force");
  return {};
}

// A node of a cluster would leave it, and prove itself all the same.
Result<void> check_without_kubernetes(const UpgradeFacts& facts, const Manifest& manifest, Force force) {
  if (facts.in_cluster)
    return fail(std::format("Loam {} carries no Kubernetes, and this node is one of a cluster", manifest.version),
                "fetch the release that carries it");
  if (facts.kubernetes.empty() || force == Force::yes) return {};
  return fail(std::format("Loam {} carries no Kubernetes, {} runs", manifest.version, facts.kubernetes),
              "fetch the release that carries it; --force installs this one all the same");
}

Result<void> check_kubernetes(const UpgradeFacts& facts, const Manifest& manifest, Force force) {
  const auto& from = facts.kubernetes;
  const auto& to = manifest.kubernetes;
  if (to.empty()) return check_without_kubernetes(facts, manifest, force);
  if (from.empty()) return {};
  const int step = (major_of(to) - major_of(from)) * 1000 + minor_of(to) - minor_of(from);
  if (step > 1)
    return fail(std::format("Loam {} carries Kubernetes {}, {} runs: it goes up by one minor version at a time",
                            manifest.version, to, from),
                std::format("upgrade to a release with Kubernetes {}.{} first", major_of(from), minor_of(from) + 1));
  if (step < 0 && force == Force::no)
    return fail(std::format("Loam {} carries Kubernetes {}, {} runs: it does not go back", manifest.version, to, from),
                "loamctl upgrade rollback returns to the other slot; --force installs it all the same");
  return {};
}

std::string schema_text(const UpgradeFacts& facts, const Manifest& manifest) {
  std::vector<std::string> known;
  known.reserve(manifest.config_versions.size());
  for (const auto version : manifest.config_versions) known.push_back(std::to_string(version));
  auto text = "reads loam.yaml of version " + join(known, ", ");
  if (facts.config_version) text += std::format(", this node's has version {}", *facts.config_version);
  return text;
}

Result<void> check_config(const UpgradeFacts& facts, const Manifest& manifest) {
  if (!facts.config_version || std::ranges::contains(manifest.config_versions, *facts.config_version)) return {};
  return fail(std::format("Loam {} {}", manifest.version, schema_text(facts, manifest)),
              "apply a loam.yaml of a version that both releases read, then upgrade");
}

// A site behind a slow or dear line must not fall into it.
Result<void> check_download(const UpgradeFacts& facts, const Manifest& manifest) {
  if (facts.ranges || facts.full_download) return {};
  return fail(
      std::format("the server gives no parts of files, so all of Loam {}'s root, {}, would be fetched",
                  manifest.version, format_bytes(manifest.files.at("root").size)),
      "put the release on a server with ranges, set update.full_download in loam.yaml, or loamctl upgrade start");
}

Result<void> check_room(const UpgradeFacts& facts, const Manifest& manifest, SlotName target) {
  for (const auto& [suffix, part] : {std::pair{"root", root_part(target)}, std::pair{"verity", verity_part(target)}}) {
    const auto needed = manifest.files.at(suffix).size;
    const auto there = partition(facts, part)->bytes;
    if (needed > there)
      return fail(std::format("Loam {} does not fit slot {}: its {} takes {}, the partition has {}", manifest.version,
                              letter(target), suffix, format_bytes(needed), format_bytes(there)),
                  "install this node again with this release; its OSDs are found again");
  }
  // Clusters are 4 KiB, and the directory may grow by one. A release is blessed by a copy of its UKI.
  constexpr std::uint64_t slack = 1U << 20U;
  const auto bytes = manifest.files.at("efi").size;
  if (facts.esp_free >= slack && bytes <= (facts.esp_free - slack) / 2) return {};
  const auto needed = 2 * std::min(bytes, std::numeric_limits<std::uint64_t>::max() / 4) + slack;
  return fail(std::format("the EFI system partition has {} free, Loam {} needs {}", format_bytes(facts.esp_free),
                          manifest.version, format_bytes(needed)),
              "remove from /efi what is not Loam's");
}

// The other slot is all that a release on trial can fall back to. With nothing there, nothing is lost.
Result<void> check_running(const UpgradeFacts& facts, Force force) {
  const auto entries = boot_entries(facts.uki_files);
  const auto own = std::ranges::find(entries, facts.version, &BootEntry::version);
  const bool falls_back =
      std::ranges::any_of(entries, [&](const BootEntry& entry) { return takes_over(entry, facts.version); });
  if (own != entries.end() && own->retired() && falls_back)
    return fail(
        std::format("Loam {}, which runs, was put back: the release in the other slot starts next", facts.version),
        "loamctl reboot starts it; loamctl upgrade rollback takes that back");
  if (own != entries.end() && own->tries_left && falls_back)
    return fail(std::format("Loam {}, which runs, has not proven itself yet", facts.version),
                "wait until loamctl slots shows it as blessed, or loamctl upgrade rollback");
  if (force == Force::no && !facts.running_starts && falls_back)
    return fail(std::format("the UKI of Loam {}, which runs, cannot be read: the other slot is all that still starts",
                            facts.version),
                "restart into the other slot and upgrade from there, or upgrade all the same with --force");
  return {};
}

class Builder {
 public:
  Builder(const UpgradeFacts& facts, const Manifest& manifest, SlotName target)
      : manifest_(&manifest), ranges_(facts.ranges), slot_(std::format("slot {}", letter(target))) {
    plan_.title = std::format("{} Loam {} to {} in {}",
                              compare_versions(manifest.version, facts.version) < 0 ? "take back" : "upgrade",
                              facts.version, manifest.version, slot_);
  }

  plan::Plan whole(bool goes_back) && {
    add("retire-slot", slot_, "what it held cannot be started any more");
    add("fetch-tree", slot_, std::format("hash tree, {}", format_bytes(manifest_->files.at("verity").size)));
    add("fill-slot", slot_,
        std::format("{}, {}", format_bytes(manifest_->files.at("root").size),
                    ranges_ ? "of which only what no slot has is fetched"
                            : "all of which is fetched: the server gives no parts of files"));
    add("verify-slot", slot_, "read back, past the cache");
    add("name-slot", slot_, "partition UUIDs from the root hash");
    add("keep-release", "/loam/releases", "its manifest and signature");
    add("install-uki", "ESP", uki_name(manifest_->version, boot_tries));
    // systemd-boot starts the newest that is not retired.
    if (goes_back) add("retire-running", "ESP", "the release that runs is started last from now on");
    // The same for every node that does it, and another for another release of the same version.
    for (auto& action : plan_.actions) action.arguments["root-hash"] = to_hex(manifest_->root_hash);
    return std::move(plan_);
  }

  plan::Plan nothing() && { return std::move(plan_); }

 private:
  void add(std::string kind, std::string target, std::string summary) {
    plan_.actions.push_back({.kind = std::move(kind),
                             .target = std::move(target),
                             .summary = std::move(summary),
                             .destroys = false,
                             .arguments = {}});
  }

  const Manifest* manifest_;
  bool ranges_;
  std::string slot_;
  plan::Plan plan_;
};

// Nothing but a restart is missing. One that was older is the next only when the one that runs was put back for it.
bool starts_next(const UpgradeFacts& facts, const Manifest& manifest) {
  if (!is_installed(facts, manifest)) return false;
  const auto entries = boot_entries(facts.uki_files);
  const auto own = std::ranges::find(entries, facts.version, &BootEntry::version);
  const bool put_back = own != entries.end() && own->retired();
  return compare_versions(manifest.version, facts.version) > 0 || put_back;
}

}  // namespace

bool is_installed(const UpgradeFacts& facts, const Manifest& manifest) {
  const auto target = target_slot(facts);
  if (!target || !named_for(facts, *target, manifest.root_hash)) return false;
  return std::ranges::any_of(facts.uki_bytes, [&](const auto& file) {
    const auto entry = parse_boot_entry(file.first);
    return entry && entry->version == manifest.version && entry->can_boot() &&
           file.second == manifest.files.at("efi").size;
  });
}

Result<plan::Plan> plan_upgrade(const UpgradeFacts& facts, const Manifest& manifest, Force force) {
  LOAM_CHECK(check_machine(facts, manifest));
  LOAM_CHECK(check_version(facts, manifest, force));
  LOAM_CHECK(check_kubernetes(facts, manifest, force));
  LOAM_CHECK(check_config(facts, manifest));
  LOAM_TRY(const auto target, target_slot(facts));
  const bool goes_back = compare_versions(manifest.version, facts.version) < 0;
  Builder builder(facts, manifest, target);
  if (starts_next(facts, manifest)) return std::move(builder).nothing();
  LOAM_CHECK(check_running(facts, force));
  LOAM_CHECK(check_download(facts, manifest));
  LOAM_CHECK(check_room(facts, manifest, target));
  return std::move(builder).whole(goes_back);
}

std::vector<std::string> upgrade_remarks(const UpgradeFacts& facts, const Manifest& manifest) {
  std::vector<std::string> remarks = {
      "a reboot starts it; it has three tries to prove itself, then the node goes back"};
  if (compare_versions(manifest.version, facts.version) < 0)
    remarks.push_back(std::format("it is older than {}, which runs", facts.version));
  const auto or_none = [](const std::string& text) { return text.empty() ? "none" : text; };
  if (manifest.kubernetes != facts.kubernetes)
    remarks.push_back(
        std::format("Kubernetes goes from {} to {}", or_none(facts.kubernetes), or_none(manifest.kubernetes)));
  remarks.push_back("it " + schema_text(facts, manifest));
  if (!facts.ranges)
    remarks.emplace_back("the server gives no parts of files: what is needed of one is fetched with all of it");
  if (compare_versions(manifest.floor, facts.floor) > 0)
    remarks.push_back(
        std::format("once it has proven itself, nothing older than {} is installed any more", manifest.floor));
  if (!manifest.revoked.empty()) remarks.push_back(std::format("it revokes {} keys", manifest.revoked.size()));
  return remarks;
}

}  // namespace loam::slots
