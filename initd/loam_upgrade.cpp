// loam-upgrade check|plan|apply [WHERE]: the upgrade engine as a program. loamd runs it as a child, loamctl for what
// only looks; tests and benchmarks run it on image files. One JSON object a line on standard output, the last of them
// with "result" or "error".
#include <CLI/CLI.hpp>

#include <fcntl.h>

#include <chrono>
#include <filesystem>
#include <format>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/file.hpp"
#include "base/guard.hpp"
#include "base/text.hpp"
#include "model/parse.hpp"
#include "plan/executor.hpp"
#include "slots/boot_facts.hpp"
#include "slots/esp.hpp"
#include "slots/find_release.hpp"
#include "slots/mounted_esp.hpp"
#include "slots/node_releases.hpp"
#include "slots/running_release.hpp"
#include "slots/upgrade_apply.hpp"
#include "slots/version.hpp"
#include "step_reporter.hpp"
#include "upgrade_medium.hpp"

namespace {

using namespace loam;
using nlohmann::json;

struct Options {
  std::string command;
  std::string where;
  std::string order;
  bool force = false;
  bool by_itself = false;  // nobody asked for it
  // The node's own, unless it is about an image file.
  std::string disk;
  std::string root_hash;
  std::string running = std::string(slots::release_facts_path);
  std::string state = "/loam";
  std::string trust = std::string(slots::trust_path);
  std::uint32_t sector_size = 512;
  slots::HttpOptions http;
};

// What loamd was asked for: a URL may hold a password, which no command line may.
Result<void> read_order(Options& options) {
  if (options.order.empty()) return {};
  LOAM_TRY(const auto text, read_file(options.order, 1U << 16U));
  const auto order = json::parse(text, nullptr, false);
  if (!order.is_object()) return fail(options.order + " is no order");
  options.where = order.value("where", "");
  options.force = order.value("force", false);
  options.by_itself = order.value("by_itself", false);
  return {};
}

Result<model::Config> node_config(const Options& options) {
  const auto path = std::filesystem::path(options.state) / "loam.yaml";
  LOAM_TRY(const auto text, read_if_there(path, std::size_t{2} << 20U));
  return text ? model::parse_config(*text, path.string()) : model::Config{};
}

slots::HttpOptions http_options(const Options& options, const model::Config& config) {
  auto http = options.http;
  if (config.update.rate_limit) http.rate_limit = config.update.rate_limit->bytes;
  if (config.proxy.http) http.http_proxy = config.proxy.http->str();
  if (config.proxy.https) http.https_proxy = config.proxy.https->str();
  for (const auto& host : config.proxy.except) http.no_proxy += (http.no_proxy.empty() ? "" : ",") + host.str();
  return http;
}

// The disk that this node runs from.
Result<void> find_disk(Options& options) {
  if (!options.disk.empty()) return {};
  LOAM_TRY(const auto text, read_file(slots::boot_facts_path));
  LOAM_TRY(const auto boot, slots::parse_boot_facts(text));
  if (boot.live) return fail("this system runs from a medium; it has no slots", "install it first");
  // Without it nothing is known of the node, and nothing can be kept over a restart. A state partition is not needed.
  if (!boot.keeps) return fail(boot.problems.front(), "mend that first; loamctl status says more");
  options.disk = boot.disk.disk;
  options.root_hash = boot.root_hash;
  return {};
}

// An image file's is inside of it; a node's is mounted.
Result<std::unique_ptr<slots::EspFiles>> esp_of(const Options& options) {
  if (!std::filesystem::is_regular_file(options.disk)) {
    LOAM_TRY(auto mounted, slots::MountedEsp::mounted_at());
    return std::make_unique<slots::MountedEsp>(std::move(mounted));
  }
  LOAM_TRY(const auto gpt, slots::read_gpt(options.disk, options.sector_size));
  const auto* const esp = gpt.find(slots::number(slots::Part::esp));
  if (esp == nullptr) return fail(options.disk + " has no EFI system partition");
  return std::make_unique<slots::Esp>(options.disk, slots::Extent{esp->offset, esp->bytes}, options.sector_size);
}

struct Job {
  slots::OfferedRelease offered;
  slots::UpgradeDisk disk;
  slots::UpgradeFacts facts;
  std::unique_ptr<slots::EspFiles> esp;
};

Result<Job> prepare(Options& options, node::UpgradeMedium& medium) {
  LOAM_CHECK(read_order(options));
  LOAM_CHECK(find_disk(options));
  LOAM_TRY(const auto config, node_config(options));
  if (options.where.empty() && config.update.url) options.where = config.update.url->str();
  if (options.where.empty())
    return fail("nobody said where the release is", "name a URL or a directory, or set update.url in loam.yaml");
  LOAM_TRY(options.where, medium.open(options.where));
  LOAM_TRY(auto trust, slots::load_trust(options.trust));
  LOAM_TRY(const auto state, slots::read_trust_state(std::filesystem::path(options.state) / "trust.json"));
  LOAM_TRY(const auto running, slots::running_release(options.running));
  Job job{.offered = {},
          .disk = {.path = options.disk,
                   .sector_size = options.sector_size,
                   .state = options.state,
                   .releases = std::filesystem::path(options.state) / "releases",
                   .by_itself = options.by_itself},
          .facts = {},
          .esp = {}};
  LOAM_TRY(job.offered, slots::find_release(options.where, slots::restricted(std::move(trust), state),
                                            http_options(options, config)));
  LOAM_TRY(job.esp, esp_of(options));
  job.facts.version = running.version;
  job.facts.kubernetes = running.kubernetes;
  job.facts.in_cluster = config.cluster.has_value();
  job.facts.config_version = static_cast<int>(config.version);
  job.facts.floor = state.floor;
  job.facts.named = job.offered.named;
  job.facts.full_download = !options.by_itself || config.update.full_download;
  LOAM_TRY(job.facts.root_hash, slots::parse_digest(options.root_hash));
  LOAM_CHECK(slots::observe_upgrade(job.disk, *job.esp, job.facts));
  return job;
}

json offer_json(const Job& job) {
  const auto& manifest = job.offered.manifest;
  return {{"version", manifest.version},
          {"running", job.facts.version},
          {"newer", slots::compare_versions(manifest.version, job.facts.version) > 0},
          {"installed", slots::is_installed(job.facts, manifest)},
          {"signer", job.offered.signer.name},
          {"kernel", manifest.kernel},
          {"kubernetes", manifest.kubernetes},
          {"config_versions", manifest.config_versions}};
}

std::uint64_t release_bytes(const slots::Manifest& manifest) {
  std::uint64_t bytes = 0;
  for (const auto& [suffix, file] : manifest.files) bytes += file.size;
  return bytes;
}

slots::UpgradeApply engine(const Job& job, node::StepReporter& reporter) {
  return {job.disk, job.facts, job.offered, *job.esp, [&reporter](const slots::UpgradeProgress& now) {
            json more = json::object();
            if (now.delta)
              more = {{"reused", now.delta->reused}, {"fetched", now.delta->fetched}, {"left", now.delta->left}};
            reporter.progress(now.progress, more);
          }};
}

json size_json(const slots::UpgradeSize& size, const slots::Manifest& manifest) {
  return {{"release", release_bytes(manifest)},
          {"fetch", size.fetched()},
          {"root", size.root},
          {"tree", size.tree},
          {"uki", size.uki},
          {"reused", (size.blocks.here + size.blocks.copied + size.blocks.zero) * slots::block_size}};
}

Result<json> plan_only(const Job& job, slots::Force force) {
  LOAM_TRY(const auto todo, slots::plan_upgrade(job.facts, job.offered.manifest, force));
  auto result = offer_json(job);
  node::StepReporter reporter;
  if (!todo.empty()) {
    LOAM_TRY(const auto size, engine(job, reporter).measure());
    result["bytes"] = size_json(size, job.offered.manifest);
  }
  result["plan"] = plan::format(todo);
  result["remarks"] = slots::upgrade_remarks(job.facts, job.offered.manifest);
  return result;
}

Result<void> run_plan(Job& job, const plan::Plan& todo, const std::filesystem::path& journal_path) {
  LOAM_TRY(auto journal, plan::Journal::open(journal_path, todo));
  node::StepReporter reporter;
  auto apply = engine(job, reporter);
  LOAM_CHECK(plan::run(todo, journal, apply.handlers(), reporter));
  return slots::observe_upgrade(job.disk, *job.esp, job.facts);
}

Result<json> apply(Job& job, const Options& options) {
  const auto force = options.force ? slots::Force::yes : slots::Force::no;
  const auto journal = std::filesystem::path(options.state) / "upgrade.journal";
  LOAM_TRY(const auto todo, slots::plan_upgrade(job.facts, job.offered.manifest, force));
  // A journal may be of an upgrade that came to its end and failed afterwards: then it is done anew.
  for (int runs = 0; !todo.empty() && runs < 2; ++runs) {
    auto done = run_plan(job, todo, journal);
    const bool installed = done && slots::is_installed(job.facts, job.offered.manifest);
    // What failed may have spoilt what was done before it, as a disk does that loses what it was given.
    if (!installed) std::filesystem::remove(journal);
    if (!done) return std::unexpected(std::move(done).error());
    if (installed) return offer_json(job);
  }
  if (todo.empty()) return offer_json(job);
  return fail(std::format("Loam {} is not there after it was installed", job.offered.manifest.version),
              "loamctl slots shows both slots; the disk may not keep what is written to it");
}

Result<json> run_command(Options& options) {
  // One at a time: a second would write into what the first has verified.
  LOAM_TRY(const auto lock, open_file(std::filesystem::path(options.state) / "upgrade.lock", O_RDWR | O_CREAT, 0600));
  if (options.command == "apply") {
    if (auto locked = lock_exclusively(lock.get(), "upgrade.lock", std::chrono::seconds(10)); !locked)
      return std::unexpected(std::move(locked).error().remedy("another upgrade is running; loamctl upgrade status"));
  }
  node::UpgradeMedium medium;
  LOAM_TRY(auto job, prepare(options, medium));
  if (options.command == "check") return offer_json(job);
  LOAM_TRY(job.facts.ranges, job.offered.source->has_ranges(job.offered.file("root")));
  if (options.command == "plan") return plan_only(job, options.force ? slots::Force::yes : slots::Force::no);
  return apply(job, options);
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app{"Fills the other slot of a Loam disk with a release."};
  app.add_option("COMMAND", options.command, "check, plan or apply")
      ->required()
      ->check(CLI::IsMember({"check", "plan", "apply"}));
  app.add_option("WHERE", options.where, "URL or path of the release; update.url of loam.yaml if it is not given");
  app.add_option("--order", options.order, "file with WHERE and --force, for loamd");
  app.add_flag("--force", options.force, "also below the floor, and back to an older Kubernetes or none");
  app.add_option("--disk", options.disk, "image file, in place of the disk that this node runs from");
  app.add_option("--root-hash", options.root_hash, "of the release that runs from the image file");
  app.add_option("--running", options.running, "facts about the release that runs")->capture_default_str();
  app.add_option("--state", options.state, "the node's own data")->capture_default_str();
  app.add_option("--trust", options.trust, "authorities whose releases are installed")->capture_default_str();
  app.add_option("--sector-size", options.sector_size, "of an image file: 512 or 4096");
  app.add_option_function<int>(
      "--stall", [&](int seconds) { options.http.stall = std::chrono::seconds(seconds); },
      "seconds after which a silent connection is given up");
  app.add_option_function<int>(
      "--patience", [&](int seconds) { options.http.patience = std::chrono::seconds(seconds); },
      "seconds after which a server that gives next to nothing is given up");
  app.footer("Example: loam-upgrade plan https://releases.example.com/loam");
  CLI11_PARSE(app, argc, argv);
  const auto result = run_command(options);
  if (!result) {
    node::say_error("loam-upgrade", result.error());
    return 1;
  }
  node::say_line({{"result", *result}});
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return loam::guard("loam-upgrade", [&] { return run(argc, argv); });
}
