// The supervisor and who stands before the node's own screen.
#include <algorithm>
#include <array>
#include <format>
#include <regex>
#include <utility>

#include "base/file.hpp"
#include "base/text.hpp"
#include "config_source.hpp"
#include "model/parse.hpp"
#include "model/section.hpp"
#include "supervisor.hpp"
#include "sys/log.hpp"
#include "sys/password.hpp"
#include "sys/subprocess.hpp"

namespace loam::node {

namespace {

constexpr std::size_t config_limit = std::size_t{2} << 20U;
constexpr std::chrono::minutes support_limit{4};
constexpr std::string_view config_path = "/loam/loam.yaml";
// What anybody at the machine could do with its power button, or does no harm: on a node whose loam.yaml is lost.
constexpr std::array<std::string_view, 3> harmless_deeds = {"reboot", "poweroff", "support"};

}  // namespace

Result<model::Config> Supervisor::config_of_console() const {
  LOAM_TRY(const auto text, config_ ? Result<std::string>(config_->text) : read_file(config_path, config_limit));
  return model::parse_config(text, "loam.yaml");
}

// A medium's machine is whoever's who stands before it, unless a loam.yaml was brought that says otherwise. One that
// runs from its disk is its owner's, also if its loam.yaml cannot be applied.
Result<std::optional<std::string>> Supervisor::console_hash() const {
  const bool brought = config_ && config_->name != console_name && !config_gone_;
  if (boot_.live && !brought) return std::optional<std::string>{};
  const auto config = config_of_console();
  if (config && config->access.console_password_hash) return config->access.console_password_hash->str();
  // It asks for none; but who comes by does not end the installation that it began.
  if (boot_.live && !installing_) return std::optional<std::string>{};
  return fail("this console has no password, so nothing can be done on it",
              "set access.console_password_hash in loam.yaml; loamctl by ssh does the same");
}

// Then nobody's password is known, and no key of ssh either.
bool Supervisor::loam_yaml_is_lost() const { return !boot_.live && !config_of_console(); }

// What the console may ask for, in one word: open, password, closed, or lost (harmless_deeds only).
std::string Supervisor::console_door() const {
  if (loam_yaml_is_lost()) return "lost";
  const auto hash = console_hash();
  if (!hash) return "closed";
  return *hash ? "password" : "open";
}

// And whatever else the document on the machine says. The file is read for it, so only when something changed that it
// follows from.
void Supervisor::console_door_changed() {
  auto key = std::format("{}{}{} {} ", begun_, installing_, config_gone_, cluster_vip());
  if (config_) key += config_->name + " " + config_->text;
  if (std::exchange(door_key_, key) != key) service_.document_changed("Machine");
}

Result<void> Supervisor::console_allows(const std::string& deed, const std::string& password) {
  if (std::ranges::contains(harmless_deeds, deed) && loam_yaml_is_lost()) return {};
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

// To the stick, if there is one: a medium forgets what is in its memory.
void Supervisor::collect_support(const Answer& answer) {
  console_task_.run({"loamctl", "support", "--stick"}, support_limit, [answer](const Result<std::string>& printed) {
    answer(printed ? Result<std::string>(std::string(trim(*printed))) : printed);
  });
}

// Root's shell instead of the console on this terminal, until it ends.
Result<std::string> Supervisor::open_shell(const std::string& terminal) {
  if (boot_.live) return fail("a medium has no shell on its console", "ssh, with a key of loam.yaml, leads to one");
  LOAM_TRY(const auto config, config_of_console());
  if (!config.access.console_shell || !config.access.console_password_hash)
    return fail("a root shell on the console is not allowed", "access.console_shell: true in loam.yaml allows it");
  static const std::regex known("(tty(S|AMA|USB)?|hvc)[0-9]{1,3}");
  if (!std::regex_match(terminal, known))
    return fail(std::format("\"{}\" is no terminal that a shell could be on", printable(terminal, 40)));
  sys::log(sys::Priority::warning, std::format("a root shell was opened on the console, {}", terminal));
  LOAM_CHECK(sys::run({"systemctl", "start", "--no-block", std::format("loam-shell@{}.service", terminal)},
                      {.timeout = std::chrono::seconds(30), .input = {}, .environment = {}}));
  return "the shell comes; exit leads back";
}

// Only that: what else is in loam.yaml is nobody's business who may change the network.
Result<std::string> Supervisor::network_now() const {
  LOAM_TRY(const auto config, config_of_console());
  model::Config only;
  only.network = config.network;
  return model::format_config(only);
}

Result<std::string> Supervisor::change_network(const std::string& text) {
  LOAM_TRY(const auto wanted, model::parse_config(text, console_name));
  LOAM_TRY(const auto now, read_file(config_path, config_limit));
  LOAM_TRY(auto config, model::parse_config(now, "loam.yaml"));
  const auto before = std::exchange(config.network, wanted.network);
  config.network.confirm = before.confirm;  // no page asks for these
  config.network.confirm_timeout = before.confirm_timeout;
  if (config.network == before) return "nothing changes: the network is like that";
  if (const auto problems = model::validate(config); !problems.empty())
    return fail(std::format("{}: {}", problems.front().path, problems.front().text));
  LOAM_CHECK(apply_request(model::with_network(now, config)));
  return trial_ ? "the network is another one now; it goes back unless it proves itself or is kept"
                : "the network is another one now";
}

Result<std::string> Supervisor::console_deed(const std::string& deed, const std::string& argument) {
  if (deed == "wizard") return stay_in_wizard();
  if (deed == "setup") return set_up(argument);
  if (deed == "try-network") return try_network(argument);
  if (deed == "save") return save(argument);
  if (deed == "keyboard") return choose_keyboard(argument);
  if (deed == "shell") return open_shell(argument);
  if (deed == "network-now") return network_now();
  if (deed == "network") return change_network(argument);
  const auto done = [](Result<void> result, std::string text) {
    return result.transform([&] { return std::move(text); });
  };
  if (deed == "retry") {
    retry();
    return "what failed is tried again";
  }
  if (deed == "confirm") return done(confirm_network("somebody at the console confirmed it"), "the network is kept");
  if (deed == "revert") return done(revert_network("somebody at the console took it back"), "the network goes back");
  if (deed == "reboot") return done(power("reboot"), "this machine restarts");
  if (deed == "poweroff") return done(power("poweroff"), "this machine is switched off");
  return fail(std::format("\"{}\" is nothing that the console does", printable(deed, 40)));
}

void Supervisor::console_request(const std::string& deed, const std::string& argument, const std::string& password,
                                 const Answer& answer) {
  if (auto allowed = console_allows(deed, password); !allowed)
    return answer(std::unexpected(std::move(allowed).error()));
  const bool routine = deed == "wizard";  // it comes by itself, each minute
  if (!routine) sys::log(sys::Priority::notice, std::format("on the console: {}", printable(deed, 40)));
  if (deed == "plan") return plan_installation(argument, answer);
  if (deed == "load") return load(argument, answer);
  if (deed == "keys") return argument.empty() ? answer(fail("give the URL first")) : load(argument, answer);
  if (deed == "support") return collect_support(answer);
  answer(console_deed(deed, argument));
}

}  // namespace loam::node
