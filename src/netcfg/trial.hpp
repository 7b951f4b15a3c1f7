// A changed network is on trial: it goes back unless it is confirmed in time, over a crash of loamd and a reboot too.
// Pure, but for the files' names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "plan/plan.hpp"

namespace loam::netcfg {

inline constexpr std::string_view trial_path = "/loam/network-trial.json";
// The last loam.yaml whose network was confirmed. Always kept.
inline constexpr std::string_view confirmed_path = "/loam/loam.yaml.confirmed";
// Which NIC was which then.
inline constexpr std::string_view confirmed_pins_path = "/loam/nics.json.confirmed";
// The last one that went back.
inline constexpr std::string_view refused_path = "/loam/loam.yaml.refused";

struct Trial {
  std::string boot_id;        // of the boot in which the change was made
  std::int64_t deadline = 0;  // seconds of CLOCK_BOOTTIME
  bool operator==(const Trial&) const = default;
};

// Links, addresses or routes become others, or networkd has yet to hear of it.
bool changes_links(const plan::Plan& todo);
// Whether a change has to prove itself. same_network: loam.yaml's network is the confirmed one. What the cluster or a
// key opens or closes in the firewall is no change of the network, and must not go back with one.
bool needs_trial(const plan::Plan& todo, bool same_network);

std::string to_json(const Trial& trial);
Result<Trial> parse_trial(std::string_view json);

// Seconds that are left; none when the change must go back now: its time is over, or the node restarted meanwhile.
std::optional<std::int64_t> time_left(const Trial& trial, std::string_view boot_id, std::int64_t now);

}  // namespace loam::netcfg
