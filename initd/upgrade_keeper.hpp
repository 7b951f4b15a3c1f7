// Upgrades of this node: the engine as a child, what became of the last one, and those that loam.yaml asks for by
// itself.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "model/config.hpp"
#include "node_state.hpp"
#include "slots/boot_facts.hpp"
#include "slots/upgrade_record.hpp"
#include "slots/upgrade_schedule.hpp"
#include "sys/event_loop.hpp"
#include "sys/log.hpp"

namespace loam::node {

class UpgradeKeeper {
 public:
  struct Callbacks {
    std::function<void()> changed;
    std::function<Result<void>(const std::string& why)> reboot;
    std::function<bool()> may_reboot;  // nothing is going on that a restart would end
  };
  UpgradeKeeper(sys::EventLoop& loop, Callbacks callbacks) : loop_(&loop), callbacks_(std::move(callbacks)) {}

  // What became of the release that was meant. Watches the ESP, where systemd notes that one has proven itself.
  Result<void> start(const slots::BootFacts& boot);
  // in_cluster: restarts are the cluster's to order, so that not all nodes do it at once.
  void want(const model::Update& update, bool in_cluster);

  // order: JSON with "where" (empty: update.url), "force" and "reboot".
  Result<void> begin(const std::string& order);
  Result<void> cancel();
  // The other slot starts next.
  Result<std::string> roll_back();

  // JSON, for loamctl upgrade status.
  std::string document() const;
  std::optional<Condition> condition() const;
  const Progress& progress() const { return progress_; }
  bool running() const { return child_ != nullptr; }
  // A release waits for a restart.
  bool on_trial() const { return outcome_.state == slots::UpgradeState::trial; }
  bool pending() const { return outcome_.state == slots::UpgradeState::pending; }

 private:
  struct Job {
    bool check_only = false;
    bool automatic = false;
    bool reboot = false;
    std::string result;  // JSON; of the engine's last line
    std::string error;
  };
  Result<void> run(const std::string& where, bool force, Job job);
  void take_line(std::string_view line);
  void ended(const std::string& problem);
  void finish(const std::string& problem);
  void checked(const std::string& problem, const Job& job);
  void upgraded(const std::string& problem, const Job& job);
  void complain(sys::Priority priority, const std::string& problem, const Job& job);
  void forget_child();
  bool upgrading() const { return child_ && job_ && !job_->check_only; }
  Result<void> mean(const std::string& version, bool by_itself);
  void await_a_sign();
  void watch_esp();
  void watch_later();
  Result<void> watch_esp_files();
  void look_at_esp();
  void look_again();
  static bool is_proven();
  Result<void> prove();
  void check_later(std::chrono::seconds delay);
  void check_now();
  bool reboot_is_ours() const;
  void reboot_later();
  void reboot_in_window();
  bool in_window() const;
  bool was_left(const std::string& version) const;

  sys::EventLoop* loop_;
  Callbacks callbacks_;
  slots::BootFacts boot_;
  model::Update update_;
  bool in_cluster_ = false;
  std::optional<slots::UpgradeRecord> record_;
  slots::UpgradeOutcome outcome_;
  std::string offered_;      // version that the last check found, if it is newer
  std::string error_;        // of the last upgrade
  std::string esp_error_;    // why the ESP cannot be used
  std::string check_error_;  // of the last look
  std::string complaint_;    // that was logged last
  slots::LastLook last_look_;
  Progress progress_;
  std::string delta_;  // JSON: bytes reused, fetched, left
  std::optional<Job> job_;
  std::unique_ptr<sys::Child> child_;
  int child_pid_ = 0;
  UniqueFd esp_changes_;  // inotify
  sys::EventSource esp_source_;
  sys::EventSource end_timer_;
  sys::EventSource check_timer_;
  sys::EventSource reboot_timer_;
  sys::EventSource silence_timer_;
  sys::EventSource watch_timer_;
};

}  // namespace loam::node
