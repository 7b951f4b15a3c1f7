// What loamd does: observe, plan, apply, and say how it stands. One thread, driven by events.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sdbus-c++/sdbus-c++.h>

#include "base/error.hpp"
#include "config_source.hpp"
#include "disk_watch.hpp"
#include "model/config.hpp"
#include "node_service.hpp"
#include "node_state.hpp"
#include "plan/plan.hpp"
#include "slots/boot_facts.hpp"
#include "sys/event_loop.hpp"
#include "sys/udev.hpp"

namespace loam::node {

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
  Result<plan::Plan> plan_for(const model::Config& config) const;
  Result<void> apply_plan(const plan::Plan& plan);
  Result<std::string> plan_request(const std::string& text) const;
  Result<std::string> apply_request(const std::string& text);
  Result<void> reload_unit(const std::string& unit);

  void disks_changed();
  void watch_network();
  void ask_networkd();
  void give_network_time();
  void network_state(const std::string& operational);
  Result<void> power(const std::string& target);

  void set_condition(std::string type, std::string status, std::string reason, std::string message);
  bool condition_is(std::string_view type, std::string_view status) const;
  void settle();  // derives the state from the conditions and publishes

  sys::EventLoop* loop_;
  sdbus::IConnection* bus_;
  slots::BootFacts boot_;
  sys::BlockMonitor monitor_;
  DiskWatch disks_;
  NodeService service_;
  Status status_;
  std::optional<ConfigText> config_;
  model::AfterInstall then_ = model::AfterInstall::reboot;
  bool begun_ = false;  // the configuration was looked for
  bool installing_ = false;
  bool installed_ = false;
  bool network_waited_ = false;
  bool network_grace_over_ = false;
  std::string network_seen_;  // networkd's last word
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
  sys::EventSource child_timer_;
  sys::EventSource fetch_timer_;
  sys::EventSource settled_timer_;
  sys::EventSource stall_timer_;
  std::string target_node_;            // disk of the last installation
  std::unique_ptr<sys::Child> child_;  // loam-install
  std::unique_ptr<sys::Child> fetch_;  // curl
  std::unique_ptr<sdbus::IProxy> network_;
};

}  // namespace loam::node
