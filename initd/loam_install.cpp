// loam-install: the install engine as a program. loamd runs it as a child; tests and benchmarks run it on image files.
// Progress goes to standard output, one JSON object a line.
#include <CLI/CLI.hpp>

#include <filesystem>
#include <iostream>

#include "base/file.hpp"
#include "base/guard.hpp"
#include "install_target.hpp"
#include "model/parse.hpp"
#include "plan/executor.hpp"
#include "slots/install_apply.hpp"
#include "slots/signed_release.hpp"
#include "step_reporter.hpp"

namespace {

using namespace loam;

struct Options {
  std::string release;
  std::string disk;
  std::string id;
  std::string config;
  std::string journal;
  std::string trust = std::string(slots::trust_path);
  std::uint32_t sector_size = 512;
  bool wipe = false;
  bool plan_only = false;
};

Result<std::string> new_machine_id() {
  LOAM_TRY(auto id, random_uuid());
  std::erase(id, '-');
  return id;
}

Result<void> install(const Options& options) {
  LOAM_TRY(const auto config_text, read_file(options.config, std::size_t{2} << 20U));
  LOAM_CHECK(model::parse_config(config_text, options.config));
  LOAM_TRY(const auto trust, slots::load_trust(options.trust));
  LOAM_TRY(const auto opened, slots::open_release(options.release, trust));
  const auto& release = opened.release;
  LOAM_TRY(const auto claimed, node::claim_disk(options.disk));
  LOAM_CHECK(node::check_disk(options.disk, options.id));
  LOAM_TRY(auto target, node::observe_disk(claimed, options.disk, options.id, options.sector_size, options.wipe));
  LOAM_TRY(target.config_sha256, slots::sha256_file(options.config));
  LOAM_TRY(const auto todo, slots::plan_install(target, release.manifest()));
  if (options.plan_only) {
    std::cout << plan::format(todo);
    return {};
  }
  LOAM_CHECK(release.check_files());
  LOAM_TRY(auto journal, plan::Journal::open(options.journal, todo));
  LOAM_TRY(auto machine_id, new_machine_id());
  node::StepReporter reporter;
  slots::InstallApply apply(std::move(target), release,
                            {.config_text = config_text, .machine_id = std::move(machine_id)},
                            [&](const slots::Progress& progress) { reporter.progress(progress); });
  auto done = plan::run(todo, journal, apply.handlers(), reporter);
  // What failed once may have spoilt what was done before it, and the file may be another the next time: start anew
  // then.
  if (!done) std::filesystem::remove(options.journal);
  return done;
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app{"Installs a Loam release on a disk or disk image."};
  app.add_option("--release", options.release, "directory of the release")->required();
  app.add_option("--disk", options.disk, "device node or image file")->required();
  app.add_option("--id", options.id, "identity of the disk, for messages");
  app.add_option("--config", options.config, "loam.yaml for the node")->required();
  app.add_option("--journal", options.journal, "where to note what is done")->default_val("/run/loam/install.journal");
  app.add_option("--trust", options.trust, "directory of the authorities whose releases are installed")
      ->capture_default_str();
  app.add_option("--sector-size", options.sector_size, "of an image file: 512 or 4096");
  app.add_flag("--wipe", options.wipe, "the disk may be erased though it is not blank");
  app.add_flag("--plan", options.plan_only, "print the plan and change nothing");
  app.footer("Example: loam-install --release build/release --disk disk.img --config loam.yaml --plan");
  CLI11_PARSE(app, argc, argv);
  if (auto done = install(options); !done) {
    node::say_error("loam-install", done.error());
    return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return loam::guard("loam-install", [&] { return run(argc, argv); });
}
