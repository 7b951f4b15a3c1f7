// The supervisor's view of the network: does it work, and if a change of it does not, back to what worked.
#include <algorithm>
#include <chrono>
#include <format>

#include "base/file.hpp"
#include "base/text.hpp"
#include "model/parse.hpp"
#include "netcfg/pins.hpp"
#include "supervisor.hpp"
#include "sys/log.hpp"
#include "sys/subprocess.hpp"

namespace loam::node {

namespace {

// Links take a while after a boot or a change, which is nothing to be alarmed about; then it is.
constexpr std::chrono::seconds grace{60};
// While something is wrong, it is asked again: a gateway that comes back tells nobody.
constexpr std::chrono::seconds ask_again_in_grace{4};
constexpr std::chrono::seconds ask_again{30};
// NICs and their carriers appear one after the other.
constexpr std::chrono::seconds nics_settle{10};
constexpr std::chrono::seconds nics_wait{60};  // whatever a loose plug does

}  // namespace

void Supervisor::watch_network() {
  give_network_time();
  if (auto started = network_.start(); !started)
    set_condition("Network", "unknown", "NotWatched", started.error().text());
  else
    network_changed(true);
}

void Supervisor::give_network_time() {
  network_grace_over_ = false;
  auto timer = loop_->after(grace, [this] {
    network_grace_over_ = true;
    judge_network();
  });
  if (timer)
    network_timer_ = *std::move(timer);
  else
    network_grace_over_ = true;
}

// ours: links of loam.yaml. Others say nothing about its network, and a loose plug in one must not keep us asking.
void Supervisor::network_changed(bool ours) {
  last_nic_event_ = std::chrono::steady_clock::now();
  service_.document_changed("Links");
  if (nics_missing_) {
    // The NIC that was waited for may be there now.
    load_config();
    return;
  }
  if (ours) judge_network();
  if (boot_.live && !config_ && condition_is("Network", "true")) look_for_config();
}

bool Supervisor::network_is_ours() const { return network_config_ && !network_config_->network.interfaces.empty(); }

netcfg::Verdict Supervisor::any_network() const {
  if (network_.routable())
    return {true, false, "Routable", "an interface has an address that reaches further than its link"};
  return {false, false, "NotRoutable", "no interface has an address yet; check cables and loamctl links"};
}

// What the links say is known at once; what the network says takes a few seconds, and network_probed() has it.
void Supervisor::judge_network() {
  if (network_is_changing_) return;  // its timer comes back here
  if (!network_is_ours()) return take_verdict(any_network());
  set_owed_mtus();
  rejoin_members();
  const auto findings = network_.findings();
  if (std::ranges::any_of(findings, &netcfg::Finding::bad)) take_verdict(netcfg::verdict(findings, network_.results()));
  if (!condition_is("Network", "true") && !condition_is("Network", "false") && network_problem_.empty())
    set_condition("Network", "unknown", "Probing", "the links are good; the gateway and others are asked");
  network_.probe(netcfg::probes_of(*network_config_, network_.gateways()));
  settle();
}

void Supervisor::network_probed() {
  if (!network_is_ours() || network_is_changing_) return;
  take_verdict(netcfg::verdict(network_.findings(), network_.results()));
  if (network_grace_over_ && !trial_) give_back_addresses();
}

// networkd lets go of a static address that another host defends, and does not ask again when that host is gone.
void Supervisor::give_back_addresses() {
  for (const auto& name : network_.lost_addresses()) {
    sys::log(sys::Priority::notice, name + " has lost an address that nobody else has: it is configured anew");
    auto done = sys::run({"networkctl", "reconfigure", name},
                         {.timeout = std::chrono::seconds(20), .input = {}, .environment = {}});
    if (!done) sys::log(sys::Priority::error, done.error().text());
  }
}

// The kernel tells of the change, and we are here again.
void Supervisor::set_owed_mtus() {
  for (const auto& [name, mtu] : network_.owed_mtus()) {
    sys::log(sys::Priority::notice, std::format("{} gets its MTU {}, which what is below it carries now", name, mtu));
    auto done = sys::run({"ip", "link", "set", "dev", name, "mtu", std::to_string(mtu)},
                         {.timeout = std::chrono::seconds(20), .input = {}, .environment = {}});
    if (!done) sys::log(sys::Priority::error, done.error().text());
  }
}

// A new networkd takes what is there and does what is missing. Not in a trial, which goes back by itself.
void Supervisor::rejoin_members() {
  constexpr std::chrono::minutes again{10};
  const auto now = std::chrono::steady_clock::now();
  const auto loose = network_.loose_members();
  if (loose.empty() || !network_grace_over_ || trial_ || (rejoined_ && now - *rejoined_ < again)) return;
  rejoined_ = now;
  sys::log(sys::Priority::warning,
           std::format("{} not in the bond or bridge that loam.yaml wants; networkd starts anew", join(loose, ", ")));
  auto done = sys::run({"systemctl", "--no-block", "restart", "systemd-networkd.service"},
                       {.timeout = std::chrono::seconds(20), .input = {}, .environment = {}});
  if (!done) sys::log(sys::Priority::error, done.error().text());
}

// networkd takes its new files in the background: what is seen before it has is the old network.
void Supervisor::network_is_changing() {
  constexpr std::chrono::seconds settling{3};
  give_network_time();
  network_.forget_probes();
  network_is_changing_ = true;
  set_condition("Network", "unknown", "Changing", "the changed network comes up");
  ask_network_again(settling);
}

void Supervisor::ask_network_again(std::chrono::milliseconds delay) {
  auto timer = loop_->after(delay, [this] {
    network_is_changing_ = false;
    judge_network();
  });
  if (timer) recheck_timer_ = *std::move(timer);
}

void Supervisor::take_verdict(const netcfg::Verdict& verdict) {
  const bool patient = !verdict.works && !network_grace_over_;
  recheck_timer_ = {};
  if (patient)
    set_condition("Network", "unknown", "ComingUp", verdict.message);
  else
    set_condition("Network", verdict.works ? "true" : "false", verdict.reason, verdict.message);
  network_problem_ = verdict.works ? "" : verdict.message;
  if (verdict.works) network_works();
  if (verdict.warns || !verdict.works)
    ask_network_again(!verdict.works && (patient || trial_) ? ask_again_in_grace : ask_again);
  want_cluster();
  settle();
}

void Supervisor::network_works() {
  if (boot_.live && condition_is("NetworkChange", "unknown")) return judge_try();
  if (boot_.live || !network_config_ || !config_ || !boot_.problems.empty()) return;
  // An apply that failed left the old network, which proves nothing of the new one.
  if (!condition_is("Config", "true")) return;
  if (trial_) {
    if (!probes_confirm()) return;
    if (auto done = confirm_network("links, addresses and gateways were asked and are good"); !done)
      sys::log(sys::Priority::error, "the changed network cannot be confirmed: " + done.error().text());
  } else {
    keep_confirmed();
  }
}

bool Supervisor::probes_confirm() const {
  if (network_config_->network.confirm != model::Confirm::probes) return false;
  const auto confirmed = confirmed_network();
  return confirmed && *confirmed && netcfg::unprovable(**confirmed, network_config_->network).empty();
}

void Supervisor::keep_confirmed() {
  if (auto kept = trial_files_.confirm(config_->text); !kept)
    sys::log(sys::Priority::error, "the confirmed loam.yaml cannot be kept: " + kept.error().text());
}

// ---- confirm or revert ----

// Of a change that is about to be written. Where nothing was confirmed yet, there is nothing to go back to.
Result<void> Supervisor::begin_trial(const model::Network& network) {
  LOAM_TRY(const auto begun, trial_files_.begin(network.confirm_timeout.seconds));
  LOAM_CHECK(trial_files_.forget_went_back());
  if (!begun) return {};
  network_problem_ = "no probe had answered yet";
  return resume_trial();
}

Result<void> Supervisor::resume_trial() {
  LOAM_TRY(trial_, trial_files_.current());
  if (!trial_) return {};
  const auto left = NetworkTrial::left(*trial_);
  if (!left) {
    trial_.reset();
    return trial_files_.take_back("the node restarted, or its time was over, before the change was confirmed");
  }
  set_condition("NetworkChange", "unknown", "OnTrial",
                std::format("goes back at {:%T} UTC unless it is confirmed",
                            std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) +
                                std::chrono::seconds(*left)));
  end_trial_after(std::chrono::seconds(*left));
  return {};
}

void Supervisor::end_trial_after(std::chrono::seconds delay) {
  auto timer = loop_->after(delay, [this] {
    if (auto done = revert_network(why_not_confirmed()); !done)
      sys::log(sys::Priority::error, "the network could not go back: " + done.error().text());
  });
  if (timer) trial_timer_ = *std::move(timer);
}

std::string Supervisor::why_not_confirmed() const {
  if (condition_is("Config", "false")) return "it could not be applied: " + network_problem_;
  const std::string late = "it was not confirmed in time: ";
  if (!network_problem_.empty()) return late + network_problem_;
  return late + (network_config_ && probes_confirm() ? "its probes have not all answered"
                                                     : "loamctl confirm did not say that it is good");
}

// None if nothing was confirmed yet, or by a release whose files this one cannot read.
Result<std::optional<model::Network>> Supervisor::confirmed_network() const {
  LOAM_TRY(const auto text, trial_files_.confirmed());
  if (!text) return std::optional<model::Network>{};
  auto confirmed = model::parse_config(*text, netcfg::confirmed_path);
  return confirmed ? std::optional(std::move(confirmed->network)) : std::nullopt;
}

// A network that is not the confirmed one although no change is on trial, as after an edit of the file by hand or on
// another machine: it has to prove itself like any change.
Result<void> Supervisor::try_if_unconfirmed(const model::Network& network) {
  if (trial_) return {};
  LOAM_TRY(const auto confirmed, confirmed_network());
  if (!confirmed || *confirmed == network) return {};
  sys::log(sys::Priority::notice, "loam.yaml has another network than the confirmed one: it is on trial");
  return begin_trial(network);
}

Result<void> Supervisor::confirm_network(const std::string& how) {
  if (!trial_ || !config_) return fail("no change of the network is on trial", "loamctl apply makes one");
  if (!condition_is("Config", "true")) return fail("the change is not applied: " + network_problem_, "loamctl retry");
  LOAM_CHECK(trial_files_.confirm(config_->text));
  trial_.reset();
  trial_timer_ = {};
  set_condition("NetworkChange", "true", "Confirmed", how);
  settle();
  return {};
}

Result<void> Supervisor::revert_network(const std::string& why) {
  if (!trial_)
    return fail("no change of the network is on trial", "loamctl apply with the earlier file changes it back");
  if (auto back = trial_files_.take_back(why); !back) {
    end_trial_after(std::chrono::seconds(10));  // a disk that is full or slow may not stay so
    return back;
  }
  trial_.reset();
  trial_timer_ = {};
  set_condition("NetworkChange", "false", "WentBack", why);
  load_config();
  return {};
}

void Supervisor::say_went_back() {
  const auto why = trial_files_.went_back();
  if (!why || !*why) return;
  set_condition("NetworkChange", "false", "WentBack",
                std::format("{}; the file that was refused is {}", **why, netcfg::refused_path));
}

// ---- which NIC is which ----

Result<netcfg::Pins> Supervisor::known_pins() {
  LOAM_TRY(const auto text, read_if_there(netcfg::pins_path, 1U << 20U));
  if (!text) return netcfg::Pins{};
  auto pins = netcfg::parse_pins(*text);
  if (pins) return pins;
  // A file that a broken disk left must not keep the node from its network: the NICs are found again.
  sys::log(sys::Priority::warning, pins.error().text());
  return netcfg::Pins{};
}

bool Supervisor::nics_settled(const model::Network& network, const netcfg::Pins& pins) {
  const auto open = netcfg::open_questions(network, network_.links(), pins);
  if (open == netcfg::Open::nothing) return true;
  const auto now = std::chrono::steady_clock::now();
  if (!nics_waited_since_) nics_waited_since_ = now;
  const auto longest = *nics_waited_since_ + nics_wait;
  const auto end = open == netcfg::Open::presence ? longest : std::min(last_nic_event_ + nics_settle, longest);
  if (now >= end) return true;
  auto timer = loop_->after(std::chrono::ceil<std::chrono::milliseconds>(end - now), [this] { load_config(); });
  if (timer) nics_timer_ = *std::move(timer);
  return false;
}

// At boot what can be told is used, and the rest waited for; a file that is given now must say it all.
Result<netcfg::Pins> Supervisor::pins_for(const model::Network& network, bool at_boot) {
  LOAM_TRY(auto before, known_pins());
  if (at_boot && !nics_settled(network, before)) {
    nics_missing_ = true;
    set_condition("Nics", "unknown", "Waiting", "waiting for NICs that are missing, and until none changes");
    return before;
  }
  auto found = netcfg::pin_nics(network, network_.links(), before);
  if (!found.problems.empty() && !at_boot) return fail(join(found.problems, "\n"));
  if (!at_boot) return std::move(found.pins);
  for (const auto& note : found.notes) sys::log(sys::Priority::warning, note);
  if (found.problems.empty()) {
    nics_known();
  } else {
    nics_missing_ = true;
    set_condition("Nics", "false", "Unknown", join(found.problems, "; "));
  }
  return std::move(found.pins);
}

void Supervisor::nics_known() {
  nics_missing_ = false;
  if (condition_is("Nics", "false") || condition_is("Nics", "unknown"))
    set_condition("Nics", "true", "Known", "every NIC of loam.yaml was found");
}

}  // namespace loam::node
