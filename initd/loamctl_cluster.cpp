#include "loamctl_cluster.hpp"

#include <unistd.h>

#include <chrono>
#include <format>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/file.hpp"
#include "base/prefix.hpp"
#include "base/text.hpp"
#include "cluster/kubeadm.hpp"
#include "model/parse.hpp"
#include "sys/subprocess.hpp"

namespace loam::node {

using nlohmann::json;

namespace {

constexpr const char* engine = "/usr/lib/loam/loam-cluster";

struct Options {
  std::string role = "worker";
  int minutes = 60;
};

Result<json> last_line(const std::string& out) {
  const auto text = trim(out);
  const auto begin = text.rfind('\n');
  auto said = json::parse(begin == text.npos ? text : text.substr(begin + 1), nullptr, false);
  if (!said.is_object()) return fail(std::format("{} did not say what came of it", engine));
  if (said.contains("error")) return fail(said.value("error", ""), said.value("remedy", ""));
  return said.value("result", json::object());
}

Result<void> join_string(const Options& options, bool as_json) {
  LOAM_TRY(const auto made,
           sys::run({engine, "invite", "--role", options.role, "--minutes", std::to_string(options.minutes)},
                    {.timeout = std::chrono::minutes(12), .input = {}, .environment = {}, .any_exit = true}));
  LOAM_TRY(const auto result, last_line(made.out));
  std::cout << (as_json ? result.dump(2) : result.value("join_string", "")) << '\n';
  if (!as_json && ::isatty(STDERR_FILENO) != 0)
    std::cerr << std::format("For one {}, for {} minutes: cluster.join_string in its loam.yaml. It is a secret.\n",
                             options.role, options.minutes);
  return {};
}

// With an address in place of the API's name, which only nodes know.
Result<void> kubeconfig() {
  auto text = read_file(cluster::admin_path, 1U << 20U);
  if (!text)
    return std::unexpected(std::move(text)
                               .error()
                               .context("this node has no administrator's kubeconfig")
                               .remedy("ask a node of the control plane"));
  LOAM_TRY(const auto yaml, read_file("/loam/loam.yaml", std::size_t{2} << 20U));
  LOAM_TRY(const auto config, model::parse_config(yaml, "/loam/loam.yaml"));
  if (config.cluster && config.cluster->vip) {
    const auto address = without_prefix(config.cluster->vip->str());
    const auto name = cluster::api_name(*config.cluster);
    if (const auto at = text->find(name); at != text->npos)
      text->replace(at, name.size(), address.contains(':') ? "[" + address + "]" : address);
  }
  std::cout << *text;
  return {};
}

}  // namespace

void add_cluster(CLI::App& app, const bool& as_json, std::function<Result<void>()>& chosen) {
  auto* const cluster = app.add_subcommand("cluster", "the Kubernetes cluster that this node is in");
  cluster->require_subcommand(1);
  const auto options = std::make_shared<Options>();
  auto* const invite =
      cluster->add_subcommand("join-string", "let one more node join: prints what its loam.yaml needs");
  invite->add_option("--role", options->role, "of that node: worker, control-plane or witness")
      ->check(CLI::IsMember({"worker", "control-plane", "witness"}))
      ->capture_default_str();
  invite->add_option("--minutes", options->minutes, "how long it may take to come")
      ->check(CLI::Range(1, 120))
      ->capture_default_str();
  invite->callback(
      [&as_json, &chosen, options] { chosen = [&as_json, options] { return join_string(*options, as_json); }; });
  cluster->add_subcommand("kubeconfig", "print what kubectl needs to administer the cluster from anywhere: a secret")
      ->callback([&chosen] { chosen = [] { return kubeconfig(); }; });
}

}  // namespace loam::node
