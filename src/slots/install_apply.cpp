#include "slots/install_apply.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <format>
#include <vector>

#include "base/file.hpp"
#include "base/scratch.hpp"
#include "base/text.hpp"
#include "slots/esp_image.hpp"
#include "slots/esp_mend.hpp"
#include "slots/node_releases.hpp"
#include "slots/signature.hpp"
#include "sys/subprocess.hpp"

namespace loam::slots {

namespace {

// SHA-256 of the loam.yaml that the disk was installed by.
constexpr std::string_view installed_by = "/loader/loam-installed-by";

Result<bool> has_boot_loader(const InstallTarget& target, const Layout& layout) {
  const Esp esp(target.path, layout.at(Part::esp), target.sector_size);
  LOAM_TRY(const auto names, esp.list("/EFI/BOOT"));
  return std::ranges::find(names, "BOOTX64.EFI") != names.end();
}

Result<void> read_installation(InstallTarget& target, const Esp& esp, const Layout& layout) {
  LOAM_TRY(target.bootable, has_boot_loader(target, layout));
  LOAM_TRY(target.installed_sha256, esp.read_text(std::string(installed_by)));
  return {};
}

}  // namespace

Result<void> observe_target(InstallTarget& target) {
  LOAM_TRY(target.gpt, read_gpt(target.path, target.sector_size));
  target.bootable = false;
  target.installed_sha256.clear();
  const auto layout = layout_for(target.bytes, target.sector_size);
  if (!layout || target_state(target.gpt) == TargetState::other || !same_places(target.gpt, *layout)) return {};
  // An ESP that cannot be read may be one that boots: then no step of ours may format anything.
  const Esp esp(target.path, layout->at(Part::esp), target.sector_size);
  if (!esp.formatted()) return {};
  auto read = read_installation(target, esp, *layout);
  if (read) return {};
  if (!target.wipe_consented)
    return std::unexpected(std::move(read).error().remedy(
        std::format("boot from it if it still does, or add \"{}\" to install.wipe to erase it", target.id)));
  // Erased by consent: then it is as good as any other disk with data.
  target.gpt = {};
  target.blank = false;
  target.content = "a Loam installation whose EFI system partition cannot be read";
  return {};
}

InstallApply::InstallApply(InstallTarget target, const Release& release, NodeSeed seed, ProgressCallback progress)
    : target_(std::move(target)), release_(&release), seed_(std::move(seed)), progress_(std::move(progress)) {}

plan::Handlers InstallApply::handlers() {
  using plan::Action;
  return {{"wipe", [this](const Action&) { return wipe(); }},
          {"partition", [this](const Action&) { return partition(); }},
          {"fill-slot", [this](const Action& action) { return fill_slot(action); }},
          {"make-loam", [this](const Action&) { return make_loam(); }},
          {"make-state", [this](const Action&) { return make_state(); }},
          {"verify-slot", [this](const Action&) { return verify_slot(); }},
          {"name-slot", [this](const Action&) { return name_slot(); }},
          {"install-boot", [this](const Action&) { return install_boot(); }},
          {"mark-installed", [this](const Action&) { return mark_installed(); }}};
}

Result<Layout> InstallApply::layout() const { return layout_for(target_.bytes, target_.sector_size); }

Result<Place> InstallApply::place(Part part) const {
  LOAM_TRY(const auto where, layout());
  return Place{.path = target_.path, .offset = where.at(part).offset};
}

// Both ends hold all that would make another system, or a half-read table, see something on the disk.
Result<void> InstallApply::wipe() {
  constexpr std::uint64_t ends = 8U << 20U;
  LOAM_TRY(const auto fd, open_file(target_.path, O_WRONLY));
  LOAM_CHECK(write_zeros(fd.get(), 0, ends));
  LOAM_CHECK(write_zeros(fd.get(), target_.bytes - ends, ends));
  return fsync_fd(fd.get(), target_.path.string());
}

// What lay where partitions begin must not look like their content.
Result<void> InstallApply::forget_old_file_systems(const Layout& layout) const {
  LOAM_TRY(const auto fd, open_file(target_.path, O_WRONLY));
  for (const auto& part : layout.parts) LOAM_CHECK(write_zeros(fd.get(), part.offset, 1U << 20U));
  return fsync_fd(fd.get(), target_.path.string());
}

Result<void> InstallApply::partition() {
  LOAM_TRY(const auto where, layout());
  std::array<std::string, part_count> uuids;
  for (auto& uuid : uuids) {
    LOAM_TRY(uuid, random_uuid());
  }
  LOAM_CHECK(forget_old_file_systems(where));
  LOAM_CHECK(write_gpt(target_.path, target_.sector_size, sfdisk_script(where, uuids)));
  LOAM_TRY(const auto written, read_gpt(target_.path, target_.sector_size));
  if (!same_places(written, where))
    return fail(std::format("{}: the partition table reads back otherwise than it was written", target_.id),
                "the disk does not keep what is written to it; replace it");
  return {};
}

Result<void> InstallApply::fill_slot(const plan::Action& action) {
  LOAM_TRY(auto tree, release_->load_tree());
  LOAM_TRY(const auto root, place(Part::root_a));
  const FillOptions options{.skip_identical = action.arguments.contains("skip-identical")};
  LOAM_CHECK(fill({.path = release_->file("root"), .offset = 0}, root, tree, options, progress_));
  LOAM_TRY(const auto verity, place(Part::verity_a));
  LOAM_TRY(const auto fd, open_file(target_.path, O_WRONLY));
  LOAM_CHECK(tree.copy_to(fd.get(), verity.offset));
  return fsync_fd(fd.get(), target_.path.string());
}

Result<void> InstallApply::make_ext4(Part part, const std::string& label, const std::string& source_directory) const {
  LOAM_TRY(const auto where, layout());
  const auto& extent = where.at(part);
  LOAM_TRY(const auto uuid, random_uuid());
  std::vector<std::string> argv = {"mke2fs",
                                   "-q",
                                   "-F",
                                   "-e",
                                   "remount-ro",
                                   "-t",
                                   "ext4",
                                   "-b",
                                   "4096",
                                   "-m",
                                   "0",
                                   "-L",
                                   label,
                                   "-U",
                                   uuid,
                                   "-E",
                                   std::format("offset={},lazy_itable_init=1,nodiscard", extent.offset)};
  if (!source_directory.empty()) argv.insert(argv.end(), {"-d", source_directory});
  argv.insert(argv.end(), {target_.path.string(), std::to_string(extent.bytes / 4096)});
  auto made = sys::run(argv, {.timeout = std::chrono::seconds(600), .input = {}, .environment = {}});
  if (!made) return std::unexpected(std::move(made).error());
  LOAM_TRY(const auto fd, open_file(target_.path, O_RDWR));
  return fsync_fd(fd.get(), target_.path.string());
}

Result<void> InstallApply::make_loam() {
  LOAM_TRY(const auto staging, ScratchDirectory::make());
  LOAM_CHECK(write_file_atomic(staging.path() / "loam.yaml", seed_.config_text, 0600));
  LOAM_CHECK(write_file_atomic(staging.path() / "machine-id", seed_.machine_id + "\n", 0444));
  LOAM_TRY(const auto manifest, read_file(release_->file("json"), max_manifest_bytes));
  LOAM_TRY(const auto signature, read_file(release_->file("json.sig"), max_signature_bytes));
  LOAM_CHECK(keep_release(staging.path() / "releases", release_->manifest().version, manifest, signature));
  return make_ext4(Part::loam, "loam-node", staging.path().string());
}

Result<void> InstallApply::make_state() { return make_ext4(Part::state, "loam-state", {}); }

Result<void> InstallApply::verify_slot() {
  LOAM_TRY(const auto root, place(Part::root_a));
  LOAM_TRY(const auto hashes, place(Part::verity_a));
  LOAM_TRY(auto tree, VerityTree::open(hashes.path, hashes.offset, release_->manifest().root_hash));
  return verify(root, tree, progress_);
}

Result<void> InstallApply::name_slot() {
  const auto& root = release_->manifest().root_hash;
  LOAM_CHECK(set_partition_uuid(target_.path, target_.sector_size, number(Part::root_a), data_partition_uuid(root)));
  return set_partition_uuid(target_.path, target_.sector_size, number(Part::verity_a), verity_partition_uuid(root));
}

Result<void> InstallApply::fill_esp(const Esp& esp) const {
  for (const auto* const directory : {"/EFI", "/EFI/BOOT", "/EFI/systemd", "/EFI/Linux", "/loader"})
    LOAM_CHECK(esp.make_directory(directory));
  const auto loader = release_->file("boot.efi");
  LOAM_CHECK(esp.put_text(target_.config_sha256, std::string(installed_by)));
  LOAM_CHECK(esp.put_text(std::string(loader_config), std::string(loader_config_path)));
  LOAM_CHECK(esp.put(release_->file("efi"), "/EFI/Linux/" + uki_name(release_->manifest().version, boot_tries)));
  LOAM_CHECK(esp.put(loader, std::string(named_boot_loader)));
  return esp.put(loader, std::string(fallback_boot_loader));
}

// Until the ESP has its boot sector nothing boots; then everything is there.
Result<void> InstallApply::install_boot() {
  LOAM_CHECK(release_->check_files());
  LOAM_TRY(const auto where, layout());
  return write_esp(target_.path, where.at(Part::esp), target_.sector_size,
                   [this](const Esp& esp) { return fill_esp(esp); });
}

Result<void> InstallApply::mark_installed() {
  return set_partition_name(target_.path, target_.sector_size, number(Part::loam), kind(Part::loam).name);
}

}  // namespace loam::slots
