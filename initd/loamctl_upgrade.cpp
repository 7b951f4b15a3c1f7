#include "loamctl_upgrade.hpp"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <format>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/scratch.hpp"
#include "node_client.hpp"
#include "node_text.hpp"
#include "slots/http_source.hpp"
#include "sys/event_loop.hpp"
#include "upgrade_medium.hpp"

namespace loam::node {

using nlohmann::json;

namespace {

constexpr const char* engine = "/usr/lib/loam/loam-upgrade";

struct Options {
  std::string where;
  bool force = false;
  bool reboot = false;
  bool no_wait = false;
};

void print(const json& value) { std::cout << value.dump(2, ' ', false, json::error_handler_t::replace) << '\n'; }

// On a terminal the line is written over; elsewhere each step is said once.
class ProgressLine {
 public:
  void show(const json& now) {
    const auto step = now.value("step", "");
    if (step.empty()) return;
    if (terminal_) {
      std::cerr << "\r\x1b[K" << upgrade_progress_text(now) << std::flush;
    } else if (step != said_) {
      std::cerr << step << ": " << now.value("summary", "") << '\n';
    }
    said_ = step;
  }
  void end() const {
    if (terminal_ && !said_.empty()) std::cerr << '\n';
  }

 private:
  bool terminal_ = ::isatty(STDERR_FILENO) != 0;
  std::string said_;
};

// What of a relative path is meant is known here only.
std::string absolute(const std::string& where) {
  if (where.empty() || slots::is_http_url(where)) return where;
  return std::filesystem::absolute(where).string();
}

std::string order_text(const Options& options) {
  const json order = {{"where", absolute(options.where)}, {"force", options.force}, {"reboot", options.reboot}};
  return order.dump(-1, ' ', false, json::error_handler_t::replace);
}

struct Answer {
  json result;
  std::string error;
  std::string problem;
};

// The engine, for what only looks.
Result<json> look(const char* command, const Options& options) {
  // A URL may hold a password, which no command line may.
  LOAM_TRY(const auto order, ScratchFile::make());
  LOAM_CHECK(write_file_atomic(order.path(), order_text(options), 0600));
  const std::vector<std::string> argv = {engine, command, "--order", order.path().string()};
  LOAM_TRY(auto loop, sys::EventLoop::create());
  Answer answer;
  ProgressLine progress;
  const auto take = [&](std::string_view line) {
    const auto said = json::parse(line, nullptr, false);
    if (!said.is_object()) return;
    if (said.contains("result")) answer.result = said.at("result");
    if (said.contains("error")) {
      const auto remedy = said.value("remedy", "");
      answer.error = said.value("error", "") + (remedy.empty() ? "" : "; " + remedy);
    }
    progress.show(said);
  };
  LOAM_TRY(auto child, sys::Child::start(loop, argv, {.line = take, .end = [&](const std::string& problem) {
                                                        answer.problem = problem;
                                                        loop.stop();
                                                      }}));
  const int pid = child->pid();
  LOAM_CHECK(loop.run());
  progress.end();
  child.reset();  // of one that was broken off nobody else takes away what it used
  forget_upgrade_medium(pid);
  forget_scratch_of(pid);
  if (answer.result.is_object()) return std::move(answer.result);
  return fail(answer.error.empty() ? "loam-upgrade " + answer.problem : answer.error);
}

std::string check_text(const json& offer) {
  const auto version = offer.value("version", "");
  if (offer.value("installed", false)) return std::format("Loam {} is installed; a reboot starts it\n", version);
  if (offer.value("newer", false))
    return std::format("Loam {} is offered, {} runs; loamctl upgrade plan says more\n", version,
                       offer.value("running", ""));
  return std::format("nothing newer: Loam {} is offered, {} runs\n", version, offer.value("running", ""));
}

Result<void> check(const Options& options, bool as_json) {
  LOAM_TRY(const auto offer, look("check", options));
  as_json ? print(offer) : static_cast<void>(std::cout << check_text(offer));
  return {};
}

Result<void> plan(const Options& options, bool as_json) {
  LOAM_TRY(const auto found, look("plan", options));
  as_json ? print(found) : static_cast<void>(std::cout << upgrade_plan_text(found));
  return {};
}

Result<json> status_of(NodeClient& client) {
  LOAM_TRY(const auto text, client.document("Upgrade"));
  return json::parse(text);
}

Result<void> status(bool as_json) {
  LOAM_TRY(auto client, NodeClient::connect());
  LOAM_TRY(const auto now, status_of(client));
  as_json ? print(now) : static_cast<void>(std::cout << upgrade_text(now));
  return {};
}

// Until loamd says how it went. The engine ends by itself where nothing comes any more.
Result<void> follow(NodeClient& client, bool as_json) {
  ProgressLine progress;
  while (true) {
    LOAM_TRY(const auto now, status_of(client));
    progress.show(now);
    if (now.value("state", "") != "upgrading") {
      progress.end();
      if (const auto error = now.value("error", ""); !error.empty()) return fail(error);
      as_json ? print(now) : static_cast<void>(std::cout << now.value("message", "") << '\n');
      return {};
    }
    LOAM_CHECK(client.wait_for_change(std::chrono::seconds(1)));
  }
}

// loamd has a /tmp of its own and no home directories (its unit's PrivateTmp= and ProtectHome=).
Result<void> check_visible(const std::string& where) {
  if (!where.starts_with('/')) return {};  // a URL
  std::error_code none;
  const auto real = std::filesystem::weakly_canonical(where, none).string() + "/";
  for (const auto* const hidden : {"/tmp/", "/var/tmp/", "/root/", "/home/", "/run/user/"})
    if (real.starts_with(hidden))
      return fail(std::format("{}: loamd, which does the upgrade, does not see {}", where, hidden),
                  "put the release somewhere else, such as /var/lib/loam, or name a URL or the medium itself");
  return {};
}

Result<void> start(const Options& options, bool as_json) {
  LOAM_TRY(auto client, NodeClient::connect());
  LOAM_CHECK(check_visible(absolute(options.where)));
  LOAM_CHECK(client.call("StartUpgrade", order_text(options)));
  if (options.no_wait) return {};
  return follow(client, as_json);
}

Result<void> cancel() {
  LOAM_TRY(auto client, NodeClient::connect());
  return client.call("CancelUpgrade");
}

Result<void> roll_back(const Options& options, bool as_json) {
  LOAM_TRY(auto client, NodeClient::connect());
  LOAM_TRY(const auto said, client.call("RollBack", ""));
  as_json ? print({{"next", said}}) : static_cast<void>(std::cout << said << '\n');
  return options.reboot ? client.call("Reboot") : Result<void>{};
}

}  // namespace

void add_upgrade(CLI::App& app, const bool& as_json, std::function<Result<void>()>& chosen) {
  const auto options = std::make_shared<Options>();
  auto* const upgrade = app.add_subcommand("upgrade", "another release in the other slot");
  upgrade->require_subcommand(1);
  const auto add = [&](const char* name, const char* text, std::function<Result<void>()> run) {
    auto* const command = upgrade->add_subcommand(name, text);
    command->callback([&chosen, run = std::move(run)] { chosen = run; });
    return command;
  };
  const auto with_where = [&](CLI::App* command) {
    command->add_option(
        "WHERE", options->where,
        "URL, directory or medium (/dev/sdX1) of the release; update.url of loam.yaml if it is not given");
    return command;
  };
  const auto with_force = [&](CLI::App* command) {
    command->add_flag("--force", options->force, "also below the floor, and back to an older Kubernetes or none");
    return command;
  };
  with_where(add("check", "what release is offered", [options, &as_json] { return check(*options, as_json); }));
  with_force(with_where(add("plan", "what would be done and fetched; nothing is changed",
                            [options, &as_json] { return plan(*options, as_json); })));
  auto* const begin = with_force(with_where(add("start", "fill the other slot; a reboot starts it",
                                                [options, &as_json] { return start(*options, as_json); })));
  begin->add_flag("--reboot", options->reboot, "restart when it is installed");
  begin->add_flag("--no-wait", options->no_wait, "do not wait for its end");
  add("status", "how the last upgrade went, or goes", [&as_json] { return status(as_json); });
  add("cancel", "end what is under way; what came is kept", [] { return cancel(); });
  add("rollback", "the other slot starts next; again, it is this one again", [options, &as_json] {
    return roll_back(*options, as_json);
  })->add_flag("--reboot", options->reboot, "restart now");
  upgrade->footer(
      "Examples:\n  loamctl upgrade check https://releases.example.com/loam\n  loamctl upgrade plan\n"
      "  loamctl upgrade start /run/media/usb --reboot\n  loamctl upgrade rollback --reboot");
}

}  // namespace loam::node
