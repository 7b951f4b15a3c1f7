// The supervisor and who stands before the node's own screen.
#include <format>

#include "base/file.hpp"
#include "base/text.hpp"
#include "config_source.hpp"
#include "model/parse.hpp"
#include "netcfg/pins.hpp"
#include "supervisor.hpp"
#include "sys/log.hpp"
#include "sys/password.hpp"

namespace loam::node {

namespace {

// Links, addresses and probes are there by then, or will not be.
constexpr std::chrono::seconds try_limit{90};
constexpr std::size_t config_limit = std::size_t{2} << 20U;
constexpr const char* console_name = "the console";
constexpr std::string_view saved_path = "/run/loam/saved-on-console";

}  // namespace

// A medium's machine is whoever's who stands before it, unless a loam.yaml was brought that says otherwise. One that
// runs from its disk is its owner's, also if its loam.yaml cannot be applied.
Result<std::optional<std::string>> Supervisor::console_hash() const {
  const bool ours = config_ && config_->name != console_name;
  if (boot_.live && !ours) return std::optional<std::string>{};
  LOAM_TRY(const auto text, config_ ? Result<std::string>(config_->text) : read_file("/loam/loam.yaml", config_limit));
  const auto config = model::parse_config(text, "loam.yaml");
  if (!config || !config->access.console_password_hash)
    return fail("this console has no password, so nothing can be done on it",
                "set access.console_password_hash in loam.yaml; loamctl by ssh does the same");
  return config->access.console_password_hash->str();
}

Result<void> Supervisor::console_allows(const std::string& password) {
  LOAM_TRY(const auto hash, console_hash());
  if (!hash) return {};
  if (password.empty()) return fail("this needs the console's password");
  const auto now = Lockout::Clock::now();
  if (const auto left = lockout_.left(now); left.count() > 0)
    return fail(std::format("the last password was wrong; try again in {} s", left.count()));
  if (!sys::password_matches(password, *hash)) {
    lockout_.failed(now);
    sys::log(sys::Priority::warning, "a wrong password was typed on the console");
    return fail(std::format("the password is wrong; the next try is possible in {} s", lockout_.left(now).count()));
  }
  lockout_.succeeded();
  return {};
}

// On live media: what the wizard made is the configuration now, as if a stick had brought it.
Result<std::string> Supervisor::set_up(const std::string& text) {
  if (!boot_.live) return fail("this machine runs from its disk", "loamctl apply changes it");
  if (installing_ || installed_) return fail("an installation runs already, or has ended");
  LOAM_TRY(const auto config, model::parse_config(text, console_name));
  if (!config.install) return fail("no disk was chosen");
  tried_.clear();
  LOAM_CHECK(check_zone(config.time));
  take_config({.text = text, .name = console_name});
  settle();
  if (!installing_) {
    for (const auto& condition : status_.conditions)
      if (condition.type == "Install" && condition.status == "false") return fail(condition.message);
  }
  return "the installation runs";
}

// The volume's event comes back to look_for_config(): what is on it now is nobody's order to install, nor for the next
// loamd.
Result<std::string> Supervisor::save(const std::string& text) {
  if (!boot_.live) return fail("this machine runs from its disk", "its loam.yaml is /loam/loam.yaml");
  LOAM_CHECK(write_file_atomic(saved_path, text, 0600));
  return save_config(text);
}

bool Supervisor::was_saved(const std::string& text) {
  const auto saved = read_if_there(saved_path, config_limit);
  return saved && *saved && **saved == text;
}

// /loam is in memory here, so this is all that is left of it after the next start. What else the machine is stays as
// it is: keys that somebody brought, its name, its time.
Result<void> Supervisor::bring_up(const model::Network& network) {
  LOAM_TRY(const auto pins, pins_for(network, false));
  LOAM_CHECK(write_file_if_changed(netcfg::pins_path, netcfg::to_json(pins)));
  model::Config config;
  if (config_)
    if (auto known = model::parse_config(config_->text, config_->name)) config = *std::move(known);
  config.network = netcfg::pinned_network(network, pins);
  LOAM_TRY(const auto todo, plan_for(config));
  if (!todo.empty()) LOAM_CHECK(apply_plan(todo));
  network_.want(config.network);
  network_config_ = std::move(config);
  network_is_changing();
  settle();
  return {};
}

// What the wizard has of the network so far, while somebody looks. The links and probes say whether it works.
Result<std::string> Supervisor::try_network(const std::string& text) {
  if (!boot_.live) return fail("this machine runs from its disk", "loamctl apply changes it");
  if (installing_ || installed_) return fail("an installation runs already, or has ended");
  LOAM_TRY(const auto config, model::parse_config(text, console_name));
  tried_network_ = config.network;
  set_condition("NetworkChange", "unknown", "Trying", "It is tried.");
  LOAM_TRY(try_timer_, loop_->after(try_limit, [this] { judge_try(); }));
  if (auto up = bring_up(config.network); !up) {
    undo_try(up.error().text());  // what is known to work is the network before
    return std::unexpected(std::move(up).error());
  }
  return std::format("it is tried; without success it is undone after {}", try_limit);
}

void Supervisor::judge_try() {
  try_timer_ = {};
  if (installing_ || installed_) return;
  if (condition_is("Network", "true") && network_config_) {
    worked_network_ = tried_network_;
    set_condition("NetworkChange", "true", "Works", "This network works.");
    return settle();
  }
  undo_try(network_problem_.empty() ? "its probes have not all answered" : network_problem_);
}

void Supervisor::undo_try(const std::string& why) {
  try_timer_ = {};
  if (auto back = bring_up(worked_network_); !back)
    sys::log(sys::Priority::error, "the network could not go back: " + back.error().text());
  set_condition("NetworkChange", "false", "WentBack", "What was tried did not work: " + why);
  settle();
}

Result<std::string> Supervisor::console_request(const std::string& deed, const std::string& argument,
                                                const std::string& password) {
  LOAM_CHECK(console_allows(password));
  sys::log(sys::Priority::notice, std::format("on the console: {}", printable(deed, 40)));
  if (deed == "setup") return set_up(argument);
  if (deed == "try-network") return try_network(argument);
  if (deed == "save") return save(argument);
  const auto done = [](Result<void> result, std::string text) {
    return result.transform([&] { return std::move(text); });
  };
  if (deed == "retry") {
    tried_.clear();
    disks_.retry();
    boot_.live ? look_for_config() : load_config();
    return "what failed is tried again";
  }
  if (deed == "confirm") return done(confirm_network("somebody at the console confirmed it"), "the network is kept");
  if (deed == "revert") return done(revert_network("somebody at the console took it back"), "the network goes back");
  if (deed == "reboot") return done(power("reboot"), "this machine restarts");
  if (deed == "poweroff") return done(power("poweroff"), "this machine is switched off");
  return fail(std::format("\"{}\" is nothing that the console does", printable(deed, 40)));
}

}  // namespace loam::node
