// loamctl: the command line of a node.
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <format>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "base/file.hpp"
#include "base/guard.hpp"
#include "base/text.hpp"
#include "bless.hpp"
#include "diskmgr/disk.hpp"
#include "fall_back.hpp"
#include "loamctl_cluster.hpp"
#include "loamctl_disks.hpp"
#include "loamctl_release.hpp"
#include "loamctl_upgrade.hpp"
#include "model/parse.hpp"
#include "node_client.hpp"
#include "node_text.hpp"
#include "slots/running_release.hpp"
#include "support.hpp"
#include "verify_slot.hpp"

namespace {

using namespace loam;
using nlohmann::json;

struct Arguments {
  bool as_json = false;
  std::string file;
  int wait_seconds = 0;
  bool trial = false;  // the release is asked after, not only the node
  bool or_dark_rack = false;
  bool no_wait = false;
  bool watch = false;
  bool stick = false;
  std::vector<std::string> rest;
  int exit_code = 0;  // of a command that did what it was asked for and found something wrong
};

Result<std::string> read_input(const std::string& file) {
  if (file != "-") return read_file(file, std::size_t{2} << 20U);
  return read_stream(STDIN_FILENO, "standard input", std::size_t{2} << 20U);
}

Result<void> status(const Arguments& arguments) {
  LOAM_TRY(auto client, node::NodeClient::connect());
  LOAM_TRY(const auto view, client.view());
  std::cout << (arguments.as_json ? node::status_json(view).dump(2) + "\n" : node::status_text(view));
  return {};
}

Result<void> document(const Arguments& arguments, const char* name, std::string (*text)(const json&)) {
  LOAM_TRY(auto client, node::NodeClient::connect());
  LOAM_TRY(const auto content, client.document(name));
  const auto value = json::parse(content);
  std::cout << (arguments.as_json ? value.dump(2) + "\n" : text(value));
  return {};
}

Result<void> plan_or_apply(const Arguments& arguments, const char* method) {
  LOAM_TRY(const auto config, read_input(arguments.file));
  // Checked here first: the messages then carry the file's own name.
  LOAM_CHECK(model::parse_config(config, arguments.file));
  LOAM_TRY(auto client, node::NodeClient::connect());
  LOAM_TRY(const auto text, client.call(method, config));
  std::cout << (arguments.as_json ? json{{"plan", text}}.dump(2) + "\n" : text);
  return {};
}

// A changed network is on trial until its probes, or the operator, confirm it. Waits for the verdict.
Result<void> wait_for_verdict(node::NodeClient& client) {
  const auto change = [&]() -> Result<node::Condition> {
    LOAM_TRY(const auto view, client.view());
    const auto condition = [&](std::string_view type) {
      const auto found = std::ranges::find(view.conditions, type, &node::Condition::type);
      return found == view.conditions.end() ? node::Condition{} : *found;
    };
    auto found = condition("NetworkChange");
    // loamd that has just started has not read yet what is on trial; when it has, only what is not over is.
    if (found.status.empty()) found.status = condition("Config").status.empty() ? "unknown" : "true";
    return found;
  };
  LOAM_TRY(auto verdict, change());
  if (verdict.status != "unknown") return {};  // nothing is on trial: what is said is of an earlier change
  std::cerr << "the network is on trial: " << verdict.message << '\n';
  // loamd ends it by itself; this is for a loamd that does not.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(65);
  while (verdict.status == "unknown" && std::chrono::steady_clock::now() < deadline) {
    LOAM_CHECK(client.wait_for_change(std::chrono::seconds(1)));
    if (auto seen = change()) verdict = *std::move(seen);  // loamd may be restarting
  }
  if (verdict.status == "false") return fail("the change went back: " + verdict.message);
  if (verdict.status == "unknown")
    return fail("loamd did not say within 65 minutes whether the change is confirmed", "loamctl status; loamctl logs");
  std::cerr << "confirmed: " << (verdict.message.empty() ? "nothing is on trial" : verdict.message) << '\n';
  return {};
}

Result<void> apply(const Arguments& arguments) {
  LOAM_CHECK(plan_or_apply(arguments, "ApplyConfig"));
  if (arguments.no_wait) return {};
  LOAM_TRY(auto client, node::NodeClient::connect());
  return wait_for_verdict(client);
}

Result<void> links(const Arguments& arguments) {
  while (true) {
    if (arguments.watch && !arguments.as_json) std::cout << "\x1b[H\x1b[2J";
    LOAM_CHECK(document(arguments, "Links", node::links_text));
    if (!arguments.watch) return {};
    std::cout << std::flush;
    LOAM_TRY(auto client, node::NodeClient::connect());
    LOAM_CHECK(client.wait_for_change(std::chrono::seconds(5)));
  }
}

Result<void> request(const Arguments& arguments, const char* method) {
  LOAM_TRY(auto client, node::NodeClient::connect());
  LOAM_CHECK(client.call(method));
  if (arguments.as_json) std::cout << json{{"requested", method}}.dump(2) << '\n';
  return {};
}

Result<void> config_check(Arguments& arguments) {
  LOAM_TRY(const auto text, read_input(arguments.file));
  const auto report = model::parse_config_report(text, arguments.file);
  if (!report.problems.empty()) arguments.exit_code = 1;
  if (arguments.as_json) {
    std::cout << json{{"valid", report.problems.empty()}, {"problems", report.problems}}.dump(
                     2, ' ', false, json::error_handler_t::replace)
              << '\n';
  } else if (report.problems.empty()) {
    std::cout << arguments.file << ": good\n";
  }
  for (const auto& problem : report.problems) std::cerr << problem << '\n';
  return {};
}

Result<void> config_print(const Arguments& arguments, const std::string& text) {
  std::cout << (arguments.as_json && !text.starts_with("{") ? json{{"config", text}}.dump(2) + "\n" : text);
  return {};
}

// A node that waits for a configuration is healthy; one that is degraded is not.
bool healthy(const std::string& state) { return state == "ready" || state == "unconfigured"; }

// 0 at the end of the wait too, if only others do not answer.
bool rack_is_dark(const Arguments& arguments, const node::NodeView& view) {
  return arguments.or_dark_rack && view.gate == "rack";
}

Result<void> health(const Arguments& arguments) {
  const auto started = std::chrono::steady_clock::now();
  while (true) {
    auto client = node::NodeClient::connect();
    auto view = client ? client->view() : Result<node::NodeView>(std::unexpected(client.error()));
    if (view && (arguments.trial ? view->gate == "passes" : healthy(view->state))) {
      std::cout << (arguments.as_json ? node::status_json(*view).dump(2) + "\n" : view->state + "\n");
      return {};
    }
    if (std::chrono::steady_clock::now() - started >= std::chrono::seconds(arguments.wait_seconds)) {
      if (!view) return std::unexpected(std::move(view).error());
      const auto text =
          std::format("the node is {} after {} s:\n{}", view->state, arguments.wait_seconds, node::status_text(*view));
      if (!rack_is_dark(arguments, *view)) return fail(text);
      std::cout << "others do not answer, which is no fault of this release; " << text << '\n';
      return {};
    }
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

Result<void> logs(const Arguments& arguments) {
  std::vector<std::string> argv = {"journalctl", "--no-hostname",       "-u", "loamd.service",
                                   "-u",         "loam-health.service", "-u", "loam-health-rack.service"};
  if (arguments.as_json) argv.insert(argv.end(), {"-o", "json"});
  argv.insert(argv.end(), arguments.rest.begin(), arguments.rest.end());
  std::vector<char*> pointers;
  pointers.reserve(argv.size() + 1);
  for (auto& word : argv) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::execvp(pointers.front(), pointers.data());
  return fail_errno("journalctl");
}

void add_config(CLI::App& app, Arguments& arguments, std::function<Result<void>()>& chosen) {
  auto* const config = app.add_subcommand("config", "loam.yaml: check a file, print its schema or an example");
  config->require_subcommand(1);
  auto* const check = config->add_subcommand("check", "say all that is wrong with a file");
  check->add_option("FILE", arguments.file, "the file, - for standard input")->required();
  check->callback([&] { chosen = [&] { return config_check(arguments); }; });
  config->add_subcommand("schema", "print the JSON Schema of loam.yaml")->callback([&] {
    chosen = [&] { return config_print(arguments, model::json_schema()); };
  });
  config->add_subcommand("example", "print a commented example")->callback([&] {
    chosen = [&] { return config_print(arguments, model::example_config()); };
  });
}

void add_commands(CLI::App& app, Arguments& arguments, std::function<Result<void>()>& chosen) {
  const auto add = [&](const char* name, const char* help, std::function<Result<void>()> run) {
    auto* const command = app.add_subcommand(name, help);
    command->callback([&chosen, run = std::move(run)] { chosen = run; });
    return command;
  };
  add("status", "how the node is, and why", [&] { return status(arguments); });
  add("plan", "what applying a loam.yaml would change", [&] { return plan_or_apply(arguments, "PlanConfig"); })
      ->add_option("FILE", arguments.file, "the file, - for standard input")
      ->required();
  auto* const apply_command =
      add("apply", "make the node what a loam.yaml says; a network that does not work goes back",
          [&] { return apply(arguments); });
  apply_command->add_option("FILE", arguments.file, "the file, - for standard input")->required();
  apply_command->add_flag("--no-wait", arguments.no_wait, "do not wait until a changed network is confirmed");
  add("confirm", "keep the changed network, whatever its probes say", [&] { return request(arguments, "Confirm"); });
  add("revert", "take a changed network back now", [&] { return request(arguments, "Revert"); });
  auto* const slots = app.add_subcommand("slots", "the two slots and what they hold");
  // CLI11 calls a parent after its child: the child's choice stays.
  slots->callback([&] {
    if (!chosen) chosen = [&] { return document(arguments, "Slots", node::slots_text); };
  });
  auto* const verify =
      slots->add_subcommand("verify", "re-read both slots and their UKIs against what the releases say");
  verify->callback([&] { chosen = [&] { return node::verify_slots(arguments.as_json); }; });
  slots->add_subcommand("bless", "the running release has proven itself; systemd does this when the health gate passed")
      ->callback([&] {
        chosen = [&]() -> Result<void> {
          LOAM_TRY(const auto said, node::bless());
          std::cout << (arguments.as_json ? json{{"blessed", said}}.dump(2) : said) << '\n';
          return {};
        };
      });
  slots->add_subcommand("fall-back", "restart if another release can boot, as after a failed health gate")
      ->callback([&] {
        chosen = [&]() -> Result<void> {
          LOAM_TRY(const auto decision, node::fall_back());
          std::cout << (arguments.as_json ? json{{"decision", decision}}.dump(2) : decision) << '\n';
          return {};
        };
      });
  node::add_cluster(app, arguments.as_json, chosen);
  node::add_disks(app, arguments.as_json, chosen);
  node::add_release(app, arguments.as_json, chosen);
  node::add_upgrade(app, arguments.as_json, chosen);
  add("links", "the network interfaces, their neighbours, and what is wrong with them", [&] {
    return links(arguments);
  })->add_flag("--watch", arguments.watch, "show them anew at each change");
  add("logs", "what loamd logged; options of journalctl may follow --", [&] {
    return logs(arguments);
  })->add_option("OPTIONS", arguments.rest, "options for journalctl");
  add_config(app, arguments, chosen);
  add("support", "write a bundle that helps others to help you", [&] {
    return node::write_support_bundle(arguments.as_json, arguments.stick);
  })->add_flag("--stick", arguments.stick, "and copy it to the volume labelled LOAM");
  add("retry", "look for a configuration again (live media), or apply it again",
      [&] { return request(arguments, "Retry"); });
  add("reboot", "restart the node", [&] { return request(arguments, "Reboot"); });
  add("poweroff", "switch the node off", [&] { return request(arguments, "PowerOff"); });
  auto* const health_command = add("health", "0 if the node is healthy", [&] { return health(arguments); });
  health_command->add_option("--wait", arguments.wait_seconds, "seconds to wait for it")->default_val(0);
  health_command->add_flag("--trial", arguments.trial,
                           "0 if the node is not worse than before its upgrade, which a release on trial is judged by");
  health_command->add_flag("--or-dark-rack", arguments.or_dark_rack,
                           "0 too if at the end only a gateway or the cluster's API does not answer");
}

int run(int argc, char** argv) {
  Arguments arguments;
  std::function<Result<void>()> chosen;
  CLI::App app{"loamctl: look at a Loam node and change it"};
  app.set_version_flag("--version", slots::running_version());
  app.add_flag("--json", arguments.as_json, "machine-readable output");
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(
      "Examples:\n  loamctl status\n  loamctl disks --json\n  loamctl config check loam.yaml\n  loamctl plan loam.yaml "
      "&& loamctl apply loam.yaml\n"
      "  loamctl links --watch\n"
      "  loamctl upgrade plan && loamctl upgrade start --reboot\n"
      "  loamctl slots verify\n  loamctl logs -- -f");
  add_commands(app, arguments, chosen);
  CLI11_PARSE(app, argc, argv);
  if (auto done = chosen(); !done) {
    if (arguments.as_json)
      std::cout << json{{"error", done.error().message()}, {"remedy", done.error().remedy()}}.dump(
                       2, ' ', false, json::error_handler_t::replace)
                << '\n';
    std::cerr << "loamctl: " << done.error().text() << '\n';
    return 1;
  }
  return arguments.exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  return loam::guard("loamctl", [&] { return run(argc, argv); });
}
