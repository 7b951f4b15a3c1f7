// The supervisor and upgrades: what it says of them, and the reboot that ends one.
#include <algorithm>

#include "supervisor.hpp"
#include "sys/log.hpp"

namespace loam::node {

void Supervisor::watch_upgrades() {
  // A node whose ESP cannot be watched still runs; it says so.
  if (auto started = upgrades_.start(boot_); !started)
    sys::log(sys::Priority::error, "upgrade: " + started.error().text());
  upgrade_changed();
}

void Supervisor::want_upgrades() {
  if (network_config_) upgrades_.want(network_config_->update, network_config_->cluster.has_value());
}

void Supervisor::upgrade_changed() {
  service_.document_changed("Upgrade");
  service_.document_changed("Slots");
  slots_stale_ = true;
  if (!installing_) status_.progress = upgrades_.progress();
  take_condition("Upgrade", upgrades_.condition());
  note_before_upgrade();
  settle();
}

void Supervisor::drop_condition(std::string_view type) {
  std::erase_if(status_.conditions, [&](const auto& known) { return known.type == type; });
}

// A network on trial would go back by the reboot: it is decided first.
Result<void> Supervisor::reboot_for_upgrade(const std::string& why) {
  sys::log(sys::Priority::notice, "upgrade: " + why + "; restarting", {{"LOAM_UPGRADE", "reboot"}});
  if (trial_) {
    set_condition("Reboot", "unknown", "NetworkOnTrial",
                  "restarts when the change of the network is confirmed or back");
    LOAM_TRY(upgrade_timer_, loop_->after(std::chrono::seconds(10), [this, why] {
      if (!upgrades_.pending()) return drop_condition("Reboot");  // it was put back meanwhile
      if (auto asked = reboot_for_upgrade(why); !asked) sys::log(sys::Priority::error, asked.error().text());
    }));
    return {};
  }
  return power("reboot");
}

}  // namespace loam::node
