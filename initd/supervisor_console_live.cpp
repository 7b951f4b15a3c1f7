// The supervisor and who sets a machine up on its own screen, from a medium.
#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>

#include "base/boot_clock.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "config_source.hpp"
#include "diskmgr/drivers.hpp"
#include "diskmgr/storage_plan.hpp"
#include "model/parse.hpp"
#include "netcfg/pins.hpp"
#include "plan/node_files.hpp"
#include "supervisor.hpp"
#include "sys/log.hpp"
#include "sys/spawn.hpp"

namespace loam::node {

namespace {

// Links, addresses and probes are there by then, or will not be.
constexpr std::chrono::seconds try_limit{90};
constexpr std::chrono::seconds plan_limit{60};
constexpr std::chrono::seconds load_limit{80};  // a little more than curl has
constexpr std::size_t config_limit = std::size_t{2} << 20U;
constexpr std::string_view saved_path = "/run/loam/saved-on-console";

}  // namespace

// On live media: what the wizard made is the configuration now, as if a stick had brought it.
Result<std::string> Supervisor::set_up(const std::string& text) {
  if (!boot_.live) return fail("this machine runs from its disk", "loamctl apply changes it");
  if (installing_ || installed_) return fail("an installation runs already, or has ended");
  LOAM_TRY(const auto config, model::parse_config(text, console_name));
  if (!config.install) return fail("no disk was chosen");
  tried_.clear();
  LOAM_CHECK(check_names(config));
  plan_task_.end("the installation begins");  // a plan has the disk as long as it is made
  take_config({.text = text, .name = console_name});
  settle();
  if (installing_) return "the installation runs";
  for (const auto* const type : {"Install", "Config"})
    for (const auto& condition : status_.conditions)
      if (condition.type == type && condition.status == "false") return fail(condition.message);
  return fail("the installation did not begin", "loamctl logs says why");
}

// Told by the console while somebody types there; so long nothing installs by itself.
Result<std::string> Supervisor::stay_in_wizard() {
  if (!boot_.live) return fail("this machine runs from its disk", "loamctl apply changes it");
  LOAM_CHECK(console_lease_.renew(seconds_of_boot()));
  return "nothing is installed meanwhile but from here";
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
  if (keyboard_) config.keyboard = keyboard_;
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
  try_ends_ = seconds_of_boot() + try_limit.count();
  if (auto up = bring_up(config.network); !up) {
    undo_try(up.error().text());  // what is known to work is the network before
    return std::unexpected(std::move(up).error());
  }
  return std::format("it is tried; without success it is undone after {}", try_limit);
}

void Supervisor::judge_try() {
  try_timer_ = {};
  try_ends_ = 0;
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
  try_ends_ = 0;
  if (auto back = bring_up(worked_network_); !back)
    sys::log(sys::Priority::error, "the network could not go back: " + back.error().text());
  set_condition("NetworkChange", "false", "WentBack", "What was tried did not work: " + why);
  settle();
}

// ---- what a person sees before anything is written ----

// The installer's own plan, made by looking at the disk, and what becomes of the others.
void Supervisor::plan_installation(const std::string& text, const Answer& answer) {
  plan_task_.end("another plan is made");  // first: who asked earlier is answered earlier
  const auto command = [&]() -> Result<std::vector<std::string>> {
    if (!boot_.live) return fail("this machine runs from its disk");
    if (installing_ || installed_) return fail("an installation runs already, or has ended");
    LOAM_TRY(const auto config, model::parse_config(text, console_name));
    if (!config.install) return fail("no disk was chosen");
    LOAM_CHECK(check_names(config));
    LOAM_TRY(auto argv, install_command(*config.install, {.text = text, .name = console_name}));
    argv.emplace_back("--plan");
    return argv;
  };
  const auto argv = command();
  if (!argv) return answer(std::unexpected(argv.error()));
  plan_task_.run(*argv, plan_limit, [this, answer, text](const Result<std::string>& plan) {
    const auto config = model::parse_config(text, console_name);
    if (!plan || !config) return answer(plan);
    const auto so_far = *plan + storage_words(*config);
    config->cluster ? plan_cluster(so_far, answer) : answer(so_far);
  });
}

// What the cluster says to its new node. It may be reached later: a refusal is told, and holds nothing up.
void Supervisor::plan_cluster(const std::string& so_far, const Answer& answer) {
  plan_task_.run({sys::program_beside_us("loam-cluster"), "check", "--config", std::string(config_copy)}, plan_limit,
                 [so_far, answer](const Result<std::string>& said) {
                   const auto line = said ? nlohmann::json::parse(*said, nullptr, false) : nlohmann::json();
                   const auto result =
                       line.is_object() ? line.value("result", nlohmann::json::object()) : nlohmann::json::object();
                   answer(std::format("{}the cluster\n{}\n", so_far,
                                      said ? result.value("says", *said) : "not yet: " + said.error().text()));
                 });
}

// By the rules that hold when the node runs; which OSDs are ours is known only then.
std::string Supervisor::storage_words(const model::Config& config) const {
  auto disks = disks_.disks();
  std::erase_if(disks, [&](const diskmgr::Disk& disk) {
    return disk.facts.node == target_node_ || disk.facts.node == boot_.disk.disk;
  });
  const auto plan = diskmgr::plan_storage(config.storage, config.hostname ? config.hostname->str() : "", disks, {});
  std::string text;
  for (const auto& [id, decision] : plan.decisions)
    text +=
        std::format("{}: {}\n", id,
                    decision.use == diskmgr::Use::none ? "left alone: " + decision.why : "storage: " + decision.why);
  return text.empty() ? text : "the other disks, once the node runs\n" + text;
}

void Supervisor::load(const std::string& url, const Answer& answer) {
  if (!boot_.live) return answer(fail("this machine runs from its disk", "its loam.yaml is /loam/loam.yaml"));
  if (url.empty()) {
    const auto local = find_local_config();
    if (!local) return answer(std::unexpected(local.error()));
    if (!*local) return answer(fail("no volume labelled LOAM with a loam.yaml is there", "plug one in, or give a URL"));
    if (!is_utf8((*local)->text)) return answer(fail((*local)->name + " is no text in UTF-8"));
    return answer((*local)->text);
  }
  if (!url.starts_with("http://") && !url.starts_with("https://"))
    return answer(fail("a URL begins with http:// or https://; empty means a volume labelled LOAM"));
  const auto argv = model::Url::parse(url).and_then([&](const auto&) { return fetch_argv(url, "console"); });
  if (!argv) return answer(std::unexpected(argv.error()));
  console_task_.run(*argv, load_limit, [answer](const Result<std::string>& text) {
    answer(text && !is_utf8(*text) ? fail("what is there is no text in UTF-8, so it cannot be used") : text);
  });
}

// At once, for who types here.
Result<std::string> Supervisor::choose_keyboard(const std::string& layout) {
  if (!boot_.live) return fail("this machine runs from its disk", "keyboard: in loam.yaml changes it");
  model::Config config;
  LOAM_TRY(config.keyboard, model::KeyboardLayout::parse(layout));
  LOAM_CHECK(check_names(config));
  for (const auto& file : plan::render_node_files(config, "loam")) {
    if (file.unit != "loam-keyboard.service") continue;
    LOAM_CHECK(write_file_atomic(file.path, file.content, file.mode));
    LOAM_CHECK(reload_unit(file.unit));
  }
  keyboard_ = config.keyboard;
  return "the keyboard is " + layout;
}

}  // namespace loam::node
