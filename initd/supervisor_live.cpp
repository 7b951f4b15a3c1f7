// The supervisor on live media: from a configuration to an installed disk.
#include <algorithm>
#include <array>
#include <format>
#include <nlohmann/json.hpp>

#include "base/boot_clock.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "media_handoff.hpp"
#include "model/parse.hpp"
#include "netcfg/firewall.hpp"
#include "plan/node_files.hpp"
#include "supervisor.hpp"
#include "sys/log.hpp"
#include "sys/spawn.hpp"

namespace loam::node {

using nlohmann::json;

namespace {

// Controllers show their disks one after the other, and only then is "exactly one matches" worth anything.
constexpr std::chrono::seconds quiet_time{10};
constexpr std::chrono::seconds longest_settling{60};
constexpr std::chrono::minutes stall_time{5};
constexpr std::chrono::seconds try_again{30};

}  // namespace

void Supervisor::look_for_config() {
  if (installing_ || installed_) return;
  auto local = find_local_config();
  if (!local) {
    set_condition("Config", "false", "Unreadable", local.error().text());
  } else if (*local && was_saved((*local)->text)) {
    set_condition("Config", "unknown", "Saved",
                  "a volume has what was saved on the console; install there, or restart to install by the volume");
  } else if (*local) {
    take_config(**local);
  } else if (auto url = config_url(); !url) {
    set_condition("Config", "false", "BadUrl", url.error().text());
  } else if (url->empty()) {
    nothing_to_install_by();
  } else if (!held_by_console("what loam.config= names")) {
    condition_is("Network", "true") || network_waited_ ? fetch_config(*url) : wait_for_network();
  }
  settle();
}

// What came of a file that is not there any more is nobody's concern; what an installation ended with is.
void Supervisor::nothing_to_install_by() {
  set_condition("Config", "unknown", "None",
                "waiting for a volume labelled LOAM with a loam.yaml (loamctl config example prints one)");
  config_gone_ = config_ && config_->name != console_name;
  if (!config_gone_) return;
  const auto install = std::ranges::find(status_.conditions, "Install", &Condition::type);
  constexpr std::array<std::string_view, 3> of_the_file = {"NotAsked", "Refused", "WaitingForDisks"};
  if (install != status_.conditions.end() && std::ranges::contains(of_the_file, install->reason))
    drop_condition("Install");
}

// Whoever is in the wizard plugs sticks in to save on or to read from: none of them is an order to install.
bool Supervisor::held_by_console(const std::string& name) {
  const auto left = console_lease_.left(seconds_of_boot());
  if (left.count() == 0) return false;
  set_condition("Config", "unknown", "Held",
                std::format("{} waits: somebody sets this machine up on the console. It is taken up {} minutes after "
                            "the last key there, or at once by \"Try again what failed\"",
                            name, ConsoleLease::length.count()));
  auto timer = loop_->after(left + std::chrono::seconds(1), [this] { look_for_config(); });
  if (timer) {
    lease_timer_ = *std::move(timer);
  } else {
    sys::log(sys::Priority::error, timer.error().text());
  }
  return true;
}

// The URL may hold ${mac}, and without an address nothing can be fetched. A network that comes up calls again at once.
void Supervisor::wait_for_network() {
  set_condition("Config", "unknown", "WaitingForNetwork", "loam.config= is fetched when the network is up, or in 60 s");
  auto timer = loop_->after(std::chrono::seconds(60), [this] {
    network_waited_ = true;
    look_for_config();
  });
  if (timer) retry_timer_ = *std::move(timer);
}

void Supervisor::fetch_config(const std::string& url) {
  if (fetch_) return;
  if (!config_) set_condition("Config", "unknown", "Fetching", without_userinfo(url));
  fetched_.clear();
  const auto argv = fetch_argv(url, "boot");
  if (!argv) return set_condition("Config", "false", "Unreachable", argv.error().text());
  auto child = sys::Child::start(*loop_, *argv,
                                 {.line = [this](std::string_view line) { fetched_ += std::string(line) + "\n"; },
                                  .end =
                                      [this, url](const std::string& problem) {
                                        // Not here: this runs inside of the child, which the next step replaces.
                                        auto next = loop_->after(std::chrono::seconds(0),
                                                                 [this, url, problem] { fetch_ended(url, problem); });
                                        if (next) fetch_timer_ = *std::move(next);
                                      }});
  if (child) {
    fetch_ = *std::move(child);
  } else {
    set_condition("Config", "false", "Unreachable", child.error().text());
  }
}

void Supervisor::fetch_ended(const std::string& url, const std::string& problem) {
  fetch_.reset();
  if (installing_ || installed_) return;  // a stick was faster
  const auto shown = without_userinfo(url);
  if (problem.empty()) {
    take_config({fetched_, shown});
  } else {
    set_condition("Config", "false", "Unreachable", std::format("{}: {}; trying again every 30 s", shown, problem));
  }
  look_again_later();
  settle();
}

// What was refused may be corrected where it comes from; the same text on the same disks is not tried twice.
void Supervisor::look_again_later() {
  auto again = loop_->after(try_again, [this] { look_for_config(); });
  if (again) fetch_timer_ = *std::move(again);
}

void Supervisor::take_config(const ConfigText& text) {
  if (text.name != console_name && held_by_console(text.name)) return;
  auto config = model::parse_config(text.text, text.name);
  if (!config) {
    set_condition("Config", "false", "Invalid", config.error().text());
    return;
  }
  set_condition("Config", "true", "Valid", text.name);
  config_ = text;
  config_gone_ = false;
  open_ssh(*config);
  if (config->install) {
    // Whoever stands there has seen the disks, and the plan for them.
    if ((text.name != console_name && !disks_settled(config->install->disk)) || tried_already(text)) return;
    begin_install(*config->install, text);
  } else {
    set_condition("Install", "unknown", "NotAsked", "loam.yaml has no install section; nothing is installed");
  }
}

// True if there is no use in waiting for more disks; else this is asked again later.
bool Supervisor::disks_settled(const model::DiskSelector& wanted) {
  using Clock = std::chrono::steady_clock;
  if (wanted.id || wanted.serial) return true;
  const auto now = Clock::now();
  if (!settling_since_) settling_since_ = now;
  const auto end = std::min(last_disk_event_ + quiet_time, *settling_since_ + longest_settling);
  if (now >= end) return true;
  set_condition("Install", "unknown", "WaitingForDisks",
                std::format("waiting until no disk has appeared for {} s", quiet_time.count()));
  auto timer = loop_->after(std::chrono::ceil<std::chrono::milliseconds>(end - now), [this] { look_for_config(); });
  if (timer) settled_timer_ = *std::move(timer);
  return false;
}

// Whoever may log in on the node may look at its installation too. The network is the live system's, not the file's.
void Supervisor::open_ssh(const model::Config& config) {
  model::Config now;
  now.access = config.access;
  if (network_config_) now.network = network_config_->network;
  auto files = plan::render_node_files(now, "loam");
  files.push_back(netcfg::render_firewall(now));
  for (const auto& file : files) {
    if (file.unit != "ssh.service" && file.unit != netcfg::firewall_unit) continue;
    auto opened = write_file_if_changed(file.path, file.content, file.mode);
    if (!opened) {
      sys::log(sys::Priority::warning, "ssh: " + opened.error().text());
    } else if (*opened) {
      if (auto started = reload_unit(file.unit); !started) sys::log(sys::Priority::warning, started.error().text());
    }
  }
}

// By the disks that the choice is made among: one that udev has and that was not looked at yet is not tried.
bool Supervisor::tried_already(const ConfigText& text) {
  auto now = text.text;
  for (const auto& disk : disks_.disks())
    now += std::format("{} {} {}\n", disk.facts.node, disk.facts.id, disk.facts.bytes);
  return std::exchange(tried_, now) == now;
}

Result<std::vector<std::string>> Supervisor::install_command(const model::Install& install, const ConfigText& text) {
  // What is on the disk is the engine's to judge, under its lock and right before it writes.
  LOAM_TRY(const auto chosen, diskmgr::select_install_disk(install.disk, disks_.disks()));
  const auto& facts = chosen.facts;
  if (facts.node == boot_.disk.disk)
    return fail(std::format("{} is the medium that this system runs from", facts.id), "choose another disk");
  LOAM_CHECK(write_file_atomic(config_copy, text.text, 0600));
  std::vector<std::string> argv = {sys::program_beside_us("loam-install"),
                                   "--release",
                                   std::string(slots::live_release_path),
                                   "--disk",
                                   facts.node,
                                   "--id",
                                   facts.id,
                                   "--config",
                                   std::string(config_copy)};
  target_node_ = facts.node;
  if (std::ranges::contains(install.wipe, facts.id, [](const auto& id) { return id.str(); }))
    argv.emplace_back("--wipe");
  return argv;
}

void Supervisor::begin_install(const model::Install& install, const ConfigText& text) {
  auto argv = install_command(install, text);
  auto child = argv ? sys::Child::start(*loop_, *argv,
                                        {.line = [this](std::string_view line) { install_line(line); },
                                         .end = [this](const std::string& problem) { install_ended(problem); }})
                    : Result<std::unique_ptr<sys::Child>>(std::unexpected(argv.error()));
  if (!child) {
    set_condition("Install", "false", "Refused", child.error().text());
    return;
  }
  child_ = *std::move(child);
  fetch_.reset();
  then_ = install.then;
  installing_ = true;
  install_error_.clear();
  watch_progress();
}

// One that stands still is not ended, because the disk may come back; but it is not passed over in silence.
void Supervisor::watch_progress() {
  set_condition("Install", "unknown", "Running", "installing");
  auto timer = loop_->after(stall_time, [this] {
    set_condition("Install", "unknown", "Stalled",
                  std::format("no progress for {} minutes; the disk may be dying: loamctl logs -- -k, or start again "
                              "with another disk",
                              stall_time.count()));
    settle();
  });
  if (timer) stall_timer_ = *std::move(timer);
}

void Supervisor::install_line(std::string_view line) {
  const auto entry = json::parse(line, nullptr, false);
  if (!entry.is_object()) return;
  if (entry.contains("error")) {
    const auto remedy = entry.value("remedy", "");
    install_error_ = entry.value("error", "") + (remedy.empty() ? "" : "; " + remedy);
    return;
  }
  watch_progress();
  status_.progress = {
      .step = entry.value("step", ""),
      .summary = std::format("{}/{} {}", entry.value("index", 0), entry.value("count", 0), entry.value("summary", "")),
      .done = entry.value("done", std::uint64_t{0}),
      .total = entry.value("total", std::uint64_t{0}),
      .seconds_left = entry.value("seconds_left", 0.0)};
  settle();
}

void Supervisor::install_ended(const std::string& problem) {
  installing_ = false;
  stall_timer_ = {};
  status_.progress = {};
  auto over = loop_->after(std::chrono::seconds(0), [this] { child_.reset(); });
  if (over) child_timer_ = *std::move(over);
  if (problem.empty()) {
    installed_ = true;
    set_condition("Install", "true", "Done", "the disk is bootable");
    after_install();
  } else {
    const bool present = install_error_.contains("holds a Loam installation already");
    set_condition("Install", "false", present ? "AlreadyInstalled" : "Failed",
                  install_error_.empty() ? problem : install_error_);
    // Whoever began it comes back to the wizard, and may be away while it runs.
    if (config_ && config_->name == console_name)
      if (auto renewed = console_lease_.renew(seconds_of_boot()); !renewed)
        sys::log(sys::Priority::error, renewed.error().text());
    look_again_later();
    if (present)
      hand_off_to_disk(target_node_, *loop_, handoff_timer_, [this](const std::string& text) {
        set_condition("Install", "false", "AlreadyInstalled", install_error_ + "; " + text);
        settle();
      });
  }
  settle();
}

void Supervisor::after_install() {
  if (auto named = add_boot_entry(target_node_); !named)
    sys::log(sys::Priority::warning, "no boot entry was made: " + named.error().text());
  if (then_ == model::AfterInstall::wait) return;
  const std::string target = then_ == model::AfterInstall::reboot ? "reboot" : "poweroff";
  set_condition("Install", "true", "Done", std::format("the disk is bootable; {} in 5 seconds", target));
  auto timer = loop_->after(std::chrono::seconds(5), [this, target] {
    if (auto done = power(target); !done) sys::log(sys::Priority::error, done.error().text());
  });
  if (timer) retry_timer_ = *std::move(timer);
}

}  // namespace loam::node
