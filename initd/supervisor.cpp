#include "supervisor.hpp"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <format>

#include "base/text.hpp"
#include "observe_json.hpp"
#include "sys/log.hpp"
#include "sys/subprocess.hpp"

namespace loam::node {

namespace {

constexpr const char* networkd_service = "org.freedesktop.network1";

}  // namespace

Supervisor::Supervisor(sys::EventLoop& loop, sdbus::IConnection& bus, slots::BootFacts boot, sys::BlockMonitor monitor)
    : loop_(&loop),
      bus_(&bus),
      boot_(std::move(boot)),
      monitor_(std::move(monitor)),
      disks_(loop),
      service_(bus, {.plan = [this](const std::string& text) { return plan_request(text); },
                     .apply = [this](const std::string& text) { return apply_request(text); },
                     .retry = [this]() -> Result<void> {
                       tried_.clear();
                       boot_.live ? look_for_config() : load_config();
                       return {};
                     },
                     .reboot = [this] { return power("reboot"); },
                     .power_off = [this] { return power("poweroff"); },
                     .disks = [this]() -> Result<std::string> {
                       LOAM_TRY(const auto disks, disks_.list(boot_.live ? "" : boot_.disk.disk));
                       return disks_json(disks);
                     },
                     .links = [] { return links_json(); },
                     .slots = [this] { return slots_json(boot_); }}) {}

Result<void> Supervisor::start() {
  LOAM_TRY(monitor_source_, loop_->on_readable(monitor_.fd(), [this] {
    monitor_.drain();
    last_disk_event_ = std::chrono::steady_clock::now();
    disks_changed();
  }));
  if (boot_.problems.empty()) {
    set_condition("Partitions", "true", boot_.live ? "Live" : "Mounted",
                  boot_.live ? "runs from the medium" : "loam and state are mounted");
  } else {
    set_condition("Partitions", "false", "Unusable", join(boot_.problems, "; "));
  }
  disks_.look();
  give_network_time();
  watch_network();
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

void Supervisor::disks_changed() {
  // Events come in bursts: look once when they have passed.
  auto timer = loop_->after(std::chrono::milliseconds(500), [this] {
    disks_.look();
    if (boot_.live && !installing_ && !installed_) look_for_config();
  });
  if (timer) settle_timer_ = *std::move(timer);
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

bool Supervisor::condition_is(std::string_view type, std::string_view status) const {
  return std::ranges::any_of(status_.conditions, [&](const auto& c) { return c.type == type && c.status == status; });
}

void Supervisor::settle() {
  const auto before = status_.state;
  if (installing_) {
    status_.state = State::installing;
  } else if (!begun_) {
    status_.state = State::configuring;
  } else if (boot_.live) {
    status_.state = State::unconfigured;
  } else if (condition_is("Partitions", "false") || condition_is("Config", "false") ||
             condition_is("Installation", "false")) {
    status_.state = State::degraded;
  } else if (!config_) {
    status_.state = State::unconfigured;
  } else if (condition_is("Network", "true")) {
    status_.state = State::ready;
  } else {
    status_.state = condition_is("Network", "false") ? State::degraded : State::configuring;
  }
  if (status_.state != before) {
    sys::log(sys::Priority::notice, std::format("state: {} -> {}", state_name(before), state_name(status_.state)),
             {{"LOAM_STATE", state_name(status_.state)}});
    sd_notifyf(0, "STATUS=%s", std::string(state_name(status_.state)).c_str());
  }
  service_.publish(status_);
}

void Supervisor::watch_network() {
  try {
    network_ =
        sdbus::createProxy(*bus_, sdbus::ServiceName{networkd_service}, sdbus::ObjectPath{"/org/freedesktop/network1"});
    network_->uponSignal("PropertiesChanged")
        .onInterface("org.freedesktop.DBus.Properties")
        .call([this](const std::string&, const std::map<std::string, sdbus::Variant>& changed,
                     const std::vector<std::string>&) {
          if (const auto state = changed.find("OperationalState"); state != changed.end()) {
            network_state(state->second.get<std::string>());
            if (boot_.live && !config_ && condition_is("Network", "true")) look_for_config();
            settle();
          }
        });
    ask_networkd();
  } catch (const sdbus::Error& problem) {
    set_condition("Network", "unknown", "NoNetworkd", problem.getMessage());
  }
}

void Supervisor::ask_networkd() {
  try {
    network_state(
        network_->getProperty("OperationalState").onInterface("org.freedesktop.network1.Manager").get<std::string>());
  } catch (const sdbus::Error& problem) {
    set_condition("Network", network_grace_over_ ? "false" : "unknown", "NoNetworkd",
                  problem.getMessage() + "; systemctl status systemd-networkd says why");
  }
}

void Supervisor::network_state(const std::string& operational) {
  network_seen_ = operational;
  if (operational == "routable") {
    set_condition("Network", "true", "Routable", "an interface has an address that reaches further than its link");
  } else if (!network_grace_over_) {
    set_condition("Network", "unknown", "ComingUp", std::format("networkd says \"{}\"; it has a minute", operational));
  } else {
    set_condition("Network", "false", "NotRoutable",
                  std::format("networkd says \"{}\": no interface has an address yet; check cables and loamctl links",
                              operational));
  }
}

// Links take a while after a boot, which is nothing to be alarmed about; then it is.
void Supervisor::give_network_time() {
  auto timer = loop_->after(std::chrono::seconds(60), [this] {
    network_grace_over_ = true;
    if (!network_seen_.empty()) {
      network_state(network_seen_);
    } else if (network_) {
      ask_networkd();
    }
    settle();
  });
  if (timer) {
    network_timer_ = *std::move(timer);
  } else {
    network_grace_over_ = true;
  }
}

Result<void> Supervisor::power(const std::string& target) {
  sys::log(sys::Priority::notice, std::format("{} was asked for", target));
  auto done = sys::run({"systemctl", "--no-block", target},
                       {.timeout = std::chrono::seconds(10), .input = {}, .environment = {}});
  if (!done) return std::unexpected(std::move(done).error());
  return {};
}

}  // namespace loam::node
