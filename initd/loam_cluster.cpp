// loam-cluster plan|apply|invite|check: this node's place in its cluster, by /loam/loam.yaml. loamd runs it as a
// child. One JSON object a line on standard output, the last of them with "result" or "error".
#include <CLI/CLI.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <format>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/guard.hpp"
#include "base/prefix.hpp"
#include "base/text.hpp"
#include "cluster/cluster_apply.hpp"
#include "cluster/cluster_state.hpp"
#include "cluster/http_fetch.hpp"
#include "cluster/invitation.hpp"
#include "cluster/invite.hpp"
#include "cluster/join_check.hpp"
#include "model/parse.hpp"
#include "netcfg/probes.hpp"
#include "plan/executor.hpp"
#include "step_reporter.hpp"
#include "sys/spawn.hpp"
#include "sys/subprocess.hpp"

namespace {

using namespace loam;
using nlohmann::json;

constexpr const char* config_path = "/loam/loam.yaml";
// Settings that it writes are in memory, so a restart of the node begins anew.
constexpr const char* journal_path = "/run/loam/cluster.journal";

Result<cluster::NodeFacts> node_facts(std::string address) {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return fail_errno("the name of this node");
  const auto pages = ::sysconf(_SC_PHYS_PAGES);
  const auto processors = ::sysconf(_SC_NPROCESSORS_ONLN);
  if (pages <= 0 || processors <= 0) return fail_errno("how much memory and how many processors there are");
  return cluster::NodeFacts{
      .name = name.data(),
      .address = std::move(address),
      .memory = static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)),
      .processors = static_cast<unsigned>(processors)};
}

Result<json> apply(const plan::Plan& todo, cluster::ClusterApply& effects) {
  // One at a time: what a loamd that was killed had begun ends with it, but may take a moment.
  LOAM_TRY(const auto lock, open_file("/run/loam/cluster.lock", O_RDWR | O_CREAT, 0600));
  LOAM_CHECK(lock_exclusively(lock.get(), "cluster.lock", std::chrono::seconds(30)));
  LOAM_TRY(auto journal, plan::Journal::open(journal_path, todo));
  node::StepReporter reporter;
  LOAM_CHECK(plan::run(todo, journal, effects.handlers(), reporter));
  return json{{"done", todo.title}};
}

struct Options {
  std::string command;
  std::string address;
  std::string config = config_path;
  std::string role = "worker";  // of whom is invited
  int minutes = 60;
};

Result<json> invite(const Options& options, const model::Config& config, const cluster::NodeFacts& node,
                    const cluster::Carried& carried) {
  const auto role = options.role == "worker"    ? model::NodeRole::worker
                    : options.role == "witness" ? model::NodeRole::witness
                                                : model::NodeRole::control_plane;
  LOAM_TRY(const auto made,
           cluster::invite(config, node, carried, role, std::chrono::minutes(options.minutes), std::time(nullptr)));
  return json{{"join_string", cluster::to_join_string(made)},
              {"cluster", made.cluster},
              {"role", options.role},
              {"minutes", options.minutes}};
}

// Whether another host answers under the virtual address that this node's cluster is to have.
Result<std::string> check_founding(const model::Config& config, const cluster::NodeFacts& node) {
  LOAM_TRY(const auto vip, cluster::virtual_address(config, node));
  if (!vip) return "this node will found it";
  const netcfg::Probe probe{
      .kind = netcfg::ProbeKind::duplicate, .link = vip->link, .target = without_prefix(vip->address)};
  LOAM_TRY(const auto asked, sys::run({sys::program_beside_us("loam-netprobe"), netcfg::to_json(std::vector{probe})}));
  LOAM_TRY(const auto answer, netcfg::parse_probe_result(trim(asked.out)));
  if (!answer.good) return fail("cluster.vip: " + answer.text, "each cluster has a virtual address of its own");
  return "this node will found it; " + answer.text;
}

// Before anything is changed, on an installation medium too.
Result<json> check(const model::Config& config, const std::optional<cluster::Carried>& carried,
                   const cluster::NodeFacts& node) {
  if (!config.cluster) return json{{"says", "this node will be in no cluster"}};
  if (config.cluster->founds()) {
    LOAM_TRY(const auto said, check_founding(config, node));
    return json{{"says", said}};
  }
  const auto now = std::time(nullptr);
  LOAM_CHECK(cluster::check_join_string(*config.cluster, now));
  LOAM_TRY(const auto invitation, cluster::parse_join_string(config.cluster->join_string->str()));
  const auto kubernetes = carried ? carried->payload.kubernetes : "";
  LOAM_TRY(const auto said, cluster::check_join(invitation, kubernetes, now, cluster::fetch_by_curl));
  return json{{"says", said}};
}

Result<json> run_command(const Options& options) {
  LOAM_TRY(const auto text, read_file(options.config, std::size_t{2} << 20U));
  LOAM_TRY(auto config, model::parse_config(text, options.config));
  LOAM_TRY(auto carried, cluster::read_carried());
  if (options.command == "check") {
    LOAM_TRY(const auto node, node_facts(options.address));
    return check(config, carried, node);
  }
  if (!carried)
    return fail("this release carries no Kubernetes",
                "./dev payload build, and an image with it; docs/ARCHITECTURE.md says more");
  LOAM_TRY(auto facts, cluster::read_state());
  LOAM_TRY(auto node, node_facts(options.address.empty() ? facts.address : options.address));
  if (options.command == "invite") return invite(options, config, node, *carried);
  LOAM_CHECK(cluster::check_address(config, facts, node));
  LOAM_TRY(const auto todo, cluster::plan_cluster(config, facts, *carried, std::time(nullptr)));
  if (options.command == "plan") return json{{"plan", plan::format(todo)}};
  cluster::ClusterApply effects(std::move(config), std::move(node), *std::move(carried), std::move(facts));
  return apply(todo, effects);
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app{"Makes this node part of the cluster that its loam.yaml names."};
  app.add_option("COMMAND", options.command,
                 "plan, apply, invite: make a join string, or check: ask whether the cluster would take this node")
      ->required()
      ->check(CLI::IsMember({"plan", "apply", "invite", "check"}));
  app.add_option("--role", options.role, "of whom is invited: worker, control-plane or witness")
      ->check(CLI::IsMember({"worker", "control-plane", "witness"}))
      ->capture_default_str();
  app.add_option("--minutes", options.minutes,
                 "as long as the join string is good; what a control plane needs is kept for two hours")
      ->check(CLI::Range(1, 120))
      ->capture_default_str();
  app.add_option("--address", options.address, "by which other nodes reach this one, without prefix");
  app.add_option("--config", options.config, "another loam.yaml")->capture_default_str();
  app.footer("Example: loam-cluster plan --address 192.0.2.10");
  CLI11_PARSE(app, argc, argv);
  const auto result = run_command(options);
  if (!result) {
    node::say_error("loam-cluster", result.error());
    return 1;
  }
  node::say_line({{"result", *result}});
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return loam::guard("loam-cluster", [&] { return run(argc, argv); });
}
