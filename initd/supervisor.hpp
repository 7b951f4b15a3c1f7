// What loamd does: observe, plan, apply, and say how it stands. One thread, driven by events.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sdbus-c++/sdbus-c++.h>

#include "base/error.hpp"
#include "base/lockout.hpp"
#include "cluster_keeper.hpp"
#include "config_source.hpp"
#include "console_lease.hpp"
#include "disk_keeper.hpp"
#include "metrics/node_metrics.hpp"
#include "model/config.hpp"
#include "netcfg/pins.hpp"
#include "netcfg/verdict.hpp"
#include "network_trial.hpp"
#include "network_watch.hpp"
#include "node_service.hpp"
#include "node_state.hpp"
#include "output_task.hpp"
#include "plan/plan.hpp"
#include "slots/boot_facts.hpp"
#include "slots/gate.hpp"
#include "sys/event_loop.hpp"
#include "sys/udev.hpp"
#include "upgrade_keeper.hpp"

namespace loam::node {

// Where a loam.yaml comes from that somebody typed on the console.
inline constexpr const char* console_name = "the console";

class Supervisor {
 public:
  Supervisor(sys::EventLoop& loop, sdbus::IConnection& bus, slots::BootFacts boot, sys::BlockMonitor monitor);
  // Begins; from then on everything comes from events.
  Result<void> start();

 private:
  // Live media: find a configuration, install by it.
  void look_for_config();
  void wait_for_network();
  void fetch_config(const std::string& url);
  void fetch_ended(const std::string& url, const std::string& problem);
  void look_again_later();
  void nothing_to_install_by();
  bool held_by_console(const std::string& name);
  void take_config(const ConfigText& text);
  void open_ssh(const model::Config& config);
  // True if this configuration was tried on these disks already: only a change makes another attempt worth it.
  bool tried_already(const ConfigText& text);
  bool disks_settled(const model::DiskSelector& wanted);
  void begin_install(const model::Install& install, const ConfigText& text);
  Result<std::vector<std::string>> install_command(const model::Install& install, const ConfigText& text);
  void watch_progress();
  void install_line(std::string_view line);
  void install_ended(const std::string& problem);
  void after_install();

  // Installed nodes: make /etc what loam.yaml says.
  void load_config();
  // config: with its NICs pinned.
  Result<plan::Plan> plan_for(const model::Config& config) const;
  std::string plan_text(const plan::Plan& plan, const model::Config& config) const;
  Result<void> apply_plan(const plan::Plan& plan);
  Result<std::string> plan_request(const std::string& text);
  Result<std::string> apply_request(const std::string& text);
  Result<void> check_trial(const std::string& text) const;
  Result<std::string> apply_config(const std::string& text, bool at_boot);
  Result<void> write_wish(const std::string& text, const model::Config& config, const netcfg::Pins& pins);
  void apply_failed(const Error& error);
  void apply_after(std::chrono::seconds delay);
  Result<void> reload_unit(const std::string& unit);
  void look_at_firewall();

  void disk_events();
  void disks_changed();
  void want_disks();

  // The network: whether it works, and changes of it that go back when it does not.
  void watch_network();
  void give_network_time();
  void network_changed(bool ours);
  bool network_is_ours() const;
  netcfg::Verdict any_network() const;
  void judge_network();
  void network_probed();
  void take_verdict(const netcfg::Verdict& verdict);
  void ask_network_again(std::chrono::milliseconds delay);
  void network_is_changing();
  void network_works();
  bool probes_confirm() const;  // else only a person does
  void keep_confirmed();
  Result<void> begin_trial(const model::Network& network);
  Result<void> resume_trial();
  Result<std::optional<model::Network>> confirmed_network() const;
  Result<void> try_if_unconfirmed(const model::Network& network);
  Result<void> confirm_network(const std::string& how);
  Result<void> revert_network(const std::string& why);
  void end_trial_after(std::chrono::seconds delay);
  std::string why_not_confirmed() const;
  void say_went_back();
  static Result<netcfg::Pins> known_pins();
  bool nics_settled(const model::Network& network, const netcfg::Pins& pins);
  Result<netcfg::Pins> pins_for(const model::Network& network, bool at_boot);
  void nics_known();
  void give_back_addresses();
  void set_owed_mtus();
  void rejoin_members();
  Result<void> power(const std::string& target);
  void retry();

  // The console.
  using Answer = OutputTask::Done;
  void console_request(const std::string& deed, const std::string& argument, const std::string& password,
                       const Answer& answer);
  Result<std::string> console_deed(const std::string& deed, const std::string& argument);
  Result<void> console_allows(const std::string& deed, const std::string& password);
  // None: no password is needed.
  Result<std::optional<std::string>> console_hash() const;
  bool loam_yaml_is_lost() const;
  std::string console_door() const;
  void console_door_changed();
  Result<model::Config> config_of_console() const;
  void collect_support(const Answer& answer);
  Result<std::string> open_shell(const std::string& terminal);
  Result<std::string> network_now() const;
  Result<std::string> change_network(const std::string& text);
  // On live media.
  void plan_installation(const std::string& text, const Answer& answer);
  std::string storage_words(const model::Config& config) const;
  void plan_cluster(const std::string& so_far, const Answer& answer);
  void load(const std::string& url, const Answer& answer);
  Result<std::string> choose_keyboard(const std::string& layout);
  static bool was_saved(const std::string& text);
  static Result<void> check_names(const model::Config& config);
  Result<std::string> set_up(const std::string& text);
  Result<std::string> stay_in_wizard();
  Result<std::string> try_network(const std::string& text);
  Result<std::string> save(const std::string& text);
  Result<void> bring_up(const model::Network& network);
  void judge_try();
  void undo_try(const std::string& why);

  void watch_upgrades();
  void upgrade_changed();
  Result<void> reboot_for_upgrade(const std::string& why);
  void drop_condition(std::string_view type);
  void note_before_upgrade();
  slots::Gate gate() const;
  std::vector<slots::Fault> faults() const;
  void want_upgrades();

  // What Prometheus is told.
  void begin_metrics();
  void metrics_changed();
  void look_at_slots();
  void write_metrics();

  void want_cluster();
  void cluster_changed();
  std::string cluster_address() const;
  std::string cluster_vip() const;  // as loam.yaml has it; empty: none

  void set_condition(std::string type, std::string status, std::string reason, std::string message);
  // none: nothing is said of it any more.
  void take_condition(std::string_view type, std::optional<Condition> condition);
  bool condition_is(std::string_view type, std::string_view status) const;
  void settle();  // derives the state from the conditions and publishes

  // Conditions that a node cannot be ready with. The first ones also hold without a loam.yaml.
  static constexpr std::array<std::string_view, 7> degrading = {"Partitions", "Config",  "Installation", "Nics",
                                                                "Firewall",   "Network", "Cluster"};

  // What is to be installed, for the programs that look at it.
  static constexpr std::string_view config_copy = "/run/loam/install.yaml";

  sys::EventLoop* loop_;
  sdbus::IConnection* bus_;
  slots::BootFacts boot_;
  sys::BlockMonitor monitor_;
  DiskKeeper disks_;
  NetworkWatch network_;
  NetworkTrial trial_files_;
  UpgradeKeeper upgrades_;
  ClusterKeeper cluster_;
  NodeService service_;
  ConsoleLease console_lease_{"/run/loam/console-lease"};
  Lockout lockout_;                // of the console
  model::Network tried_network_;   // on live media, by the console
  model::Network worked_network_;  // the last that was tried and worked; none: the default
  OutputTask console_task_;
  OutputTask plan_task_;
  std::optional<model::KeyboardLayout> keyboard_;  // chosen on live media
  std::int64_t try_ends_ = 0;                      // seconds of CLOCK_BOOTTIME
  sys::EventSource try_timer_;                     // of a network that is tried on live media
  Status status_;
  std::optional<ConfigText> config_;
  bool config_gone_ = false;  // the volume that it came from was pulled out
  std::string door_key_;      // what the console's door was like when it was told
  model::AfterInstall then_ = model::AfterInstall::reboot;
  bool begun_ = false;  // the configuration was looked for
  bool installing_ = false;
  bool installed_ = false;
  bool network_waited_ = false;
  bool network_grace_over_ = false;
  bool network_is_changing_ = false;
  bool nics_missing_ = false;  // some NIC of loam.yaml is not known yet
  std::string network_problem_;
  std::optional<netcfg::Trial> trial_;
  std::optional<model::Config> network_config_;  // what is applied, with its NICs pinned
  std::chrono::steady_clock::time_point last_nic_event_ = std::chrono::steady_clock::now();
  std::optional<std::chrono::steady_clock::time_point> rejoined_;  // members of bonds, the last time
  std::optional<std::chrono::steady_clock::time_point> nics_waited_since_;
  std::string install_error_;
  std::string tried_;  // configuration and disks of the last attempt
  std::string fetched_;
  std::chrono::steady_clock::time_point last_disk_event_ = std::chrono::steady_clock::now();
  std::optional<std::chrono::steady_clock::time_point> settling_since_;
  sys::EventSource monitor_source_;
  sys::EventSource settle_timer_;
  sys::EventSource retry_timer_;
  sys::EventSource handoff_timer_;
  sys::EventSource network_timer_;
  sys::EventSource recheck_timer_;
  sys::EventSource trial_timer_;
  sys::EventSource nics_timer_;
  sys::EventSource apply_timer_;
  sys::EventSource firewall_timer_;
  sys::EventSource upgrade_timer_;
  sys::EventSource child_timer_;
  sys::EventSource fetch_timer_;
  sys::EventSource lease_timer_;
  sys::EventSource settled_timer_;
  sys::EventSource stall_timer_;
  sys::EventSource metrics_timer_;
  metrics::Node metrics_;
  std::string metrics_problem_;
  bool metrics_due_ = false;
  bool slots_stale_ = true;
  std::string target_node_;            // disk of the last installation
  std::unique_ptr<sys::Child> child_;  // loam-install
  std::unique_ptr<sys::Child> fetch_;  // curl
};

}  // namespace loam::node
