#include "supervisor.hpp"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <format>

#include "base/text.hpp"
#include "observe_json.hpp"
#include "observe_machine.hpp"
#include "sys/log.hpp"
#include "sys/subprocess.hpp"

namespace loam::node {

Supervisor::Supervisor(sys::EventLoop& loop, sdbus::IConnection& bus, slots::BootFacts boot, sys::BlockMonitor monitor)
    : loop_(&loop),
      bus_(&bus),
      boot_(std::move(boot)),
      monitor_(std::move(monitor)),
      disks_(loop, [this] { disks_changed(); }),
      network_(loop, {.changed = [this](bool ours) { network_changed(ours); }, .probed = [this] { network_probed(); }}),
      upgrades_(loop, {.changed = [this] { upgrade_changed(); },
                       .reboot = [this](const std::string& why) { return reboot_for_upgrade(why); },
                       .may_reboot = [this] { return !trial_.has_value(); }}),
      cluster_(loop, [this] { cluster_changed(); }),
      service_(bus,
               {.plan = [this](const std::string& text) { return plan_request(text); },
                .apply = [this](const std::string& text) { return apply_request(text); },
                .retry = [this]() -> Result<void> {
                  tried_.clear();
                  disks_.retry();
                  cluster_.retry();
                  boot_.live ? look_for_config() : load_config();
                  return {};
                },
                .confirm = [this] { return confirm_network("the operator confirmed it"); },
                .revert = [this] { return revert_network("the operator took it back"); },
                .reboot = [this] { return power("reboot"); },
                .power_off = [this] { return power("poweroff"); },
                .wipe_disk = [this](const std::string& id) { return disks_.wipe(id); },
                .forget_disk = [this](const std::string& id) { return disks_.forget(id); },
                .console = [this](const std::string& deed, const std::string& argument, const std::string& password,
                                  const auto& answer) { console_request(deed, argument, password, answer); },
                .machine = [this]() -> Result<std::string> { return machine_json(boot_.live); },
                .disks = [this]() -> Result<std::string> { return disks_.document(); },
                .storage = [this]() -> Result<std::string> { return disks_.storage_document(); },
                .links = [this]() -> Result<std::string> { return network_.document(); },
                .slots = [this] { return slots_json(boot_); },
                .upgrade = [this]() -> Result<std::string> { return upgrades_.document(); },
                .start_upgrade = [this](const std::string& order) { return upgrades_.begin(order); },
                .cancel_upgrade = [this] { return upgrades_.cancel(); },
                .roll_back = [this] { return upgrades_.roll_back(); }}),
      console_task_(loop),
      plan_task_(loop) {}

Result<void> Supervisor::start() {
  LOAM_TRY(monitor_source_, loop_->on_readable(monitor_.fd(), [this] {
    disks_.take(monitor_.drain());
    last_disk_event_ = std::chrono::steady_clock::now();
    disk_events();
  }));
  if (boot_.problems.empty()) {
    set_condition("Partitions", "true", boot_.live ? "Live" : "Mounted",
                  boot_.live ? "runs from the medium" : "loam and state are mounted");
  } else {
    set_condition("Partitions", "false", "Unusable", join(boot_.problems, "; "));
  }
  begin_metrics();
  LOAM_CHECK(disks_.start(boot_.live ? "" : boot_.disk.disk));
  watch_network();
  watch_upgrades();
  settle();
  // From now on calls are answered. What takes time comes after that, so that it holds up no other unit.
  LOAM_TRY(retry_timer_, loop_->after(std::chrono::seconds(0), [this] {
    begun_ = true;
    boot_.live ? look_for_config() : load_config();
    settle();
  }));
  sd_notify(0, "READY=1");
  return {};
}

// What a live system looks for may be on what came.
void Supervisor::disk_events() {
  if (!boot_.live || installing_ || installed_) return;
  // Events come in bursts: look once when they have passed.
  auto timer = loop_->after(std::chrono::milliseconds(500), [this] {
    if (!installing_ && !installed_) look_for_config();
  });
  if (timer) settle_timer_ = *std::move(timer);
}

void Supervisor::disks_changed() {
  service_.document_changed("Disks");
  service_.document_changed("Storage");
  metrics_changed();
  note_before_upgrade();
  auto condition = disks_.condition();
  if (!condition) return;
  set_condition(std::move(condition->type), std::move(condition->status), std::move(condition->reason),
                std::move(condition->message));
  settle();
}

void Supervisor::set_condition(std::string type, std::string status, std::string reason, std::string message) {
  Condition next{std::move(type), std::move(status), std::move(reason), std::move(message)};
  const auto found = std::ranges::find(status_.conditions, next.type, &Condition::type);
  if (found != status_.conditions.end() && *found == next) return;
  sys::log(next.status == "false" ? sys::Priority::warning : sys::Priority::info,
           std::format("{}: {} ({}) {}", next.type, next.status, next.reason, next.message),
           {{"LOAM_CONDITION", next.type}, {"LOAM_STATUS", next.status}, {"LOAM_REASON", next.reason}});
  if (found == status_.conditions.end()) {
    status_.conditions.push_back(std::move(next));
  } else {
    *found = std::move(next);
  }
}

void Supervisor::take_condition(std::string_view type, std::optional<Condition> condition) {
  if (!condition) return drop_condition(type);
  set_condition(std::move(condition->type), std::move(condition->status), std::move(condition->reason),
                std::move(condition->message));
}

bool Supervisor::condition_is(std::string_view type, std::string_view status) const {
  return std::ranges::any_of(status_.conditions, [&](const auto& c) { return c.type == type && c.status == status; });
}

void Supervisor::settle() {
  const auto before = status_.state;
  const auto is_false = [this](std::string_view type) { return condition_is(type, "false"); };
  if (installing_) {
    status_.state = State::installing;
  } else if (!begun_) {
    status_.state = State::configuring;
  } else if (boot_.live) {
    status_.state = State::unconfigured;
  } else if (std::ranges::any_of(degrading.begin(), degrading.begin() + 5, is_false)) {
    status_.state = State::degraded;
  } else if (!config_) {
    status_.state = State::unconfigured;
  } else if (std::ranges::any_of(degrading, is_false)) {
    status_.state = State::degraded;
  } else {
    status_.state = condition_is("Network", "true") && !cluster_.awaited() ? State::ready : State::configuring;
  }
  if (status_.state != before) {
    sys::log(sys::Priority::notice, std::format("state: {} -> {}", state_name(before), state_name(status_.state)),
             {{"LOAM_STATE", state_name(status_.state)}});
    sd_notifyf(0, "STATUS=%s", std::string(state_name(status_.state)).c_str());
  }
  status_.network_goes_back = trial_ ? trial_->deadline : try_ends_;
  status_.gate = gate_name(gate());
  service_.publish(status_);
  metrics_changed();
}

Result<void> Supervisor::power(const std::string& target) {
  sys::log(sys::Priority::notice, std::format("{} was asked for", target));
  auto done = sys::run({"systemctl", "--no-block", target},
                       {.timeout = std::chrono::seconds(10), .input = {}, .environment = {}});
  if (!done) return std::unexpected(std::move(done).error());
  return {};
}

}  // namespace loam::node
