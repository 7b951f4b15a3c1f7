// Which NIC of this machine each name of loam.yaml means, for ever: by permanent MAC address. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "model/config.hpp"
#include "netcfg/links.hpp"

namespace loam::netcfg {

// Permanent MAC addresses, lower case, by name of NIC.
using Pins = std::map<std::string, std::string>;

// Where they are kept, so that the initrd can name NICs that it has no driver for.
inline constexpr std::string_view pins_path = "/loam/nics.json";
std::string to_json(const Pins& pins);
Result<Pins> parse_pins(std::string_view json);

struct Pinned {
  Pins pins;
  std::vector<std::string> notes;     // what a person may want to know: a NIC that is gone or was replaced
  std::vector<std::string> problems;  // NICs that could not be told: "network.nics[0] (nic0): ..."
};

// Pins what can be pinned. A NIC that was pinned before stays, whatever its cable does, as long as it is there; where
// it is gone, exactly one other that matches takes its place. Bonds that select keep what they have and get every
// other NIC that matches, first in the place of members that are gone.
Pinned pin_nics(const model::Network& network, const std::vector<Link>& links, const Pins& before);

// What has to be waited for at boot, before NICs are pinned.
enum class Open {
  nothing,
  cables,    // some are chosen by speed or carrier, which is worth something only when all have had time to come up
  presence,  // one that is pinned is not there and may only be slow, and another could take its place
};
Open open_questions(const model::Network& network, const std::vector<Link>& links, const Pins& before);

// The network with every NIC matched by its MAC address (its min_speed stays, to be compared), and the members of
// selecting bonds listed. NICs without a pin are left out.
model::Network pinned_network(const model::Network& network, const Pins& pins);

// "enp1s0 (52:54:00:12:34:56, mlx5_core, 0000:3b:00.0, 25 Gb/s, carrier)"
std::string describe(const Link& nic);

}  // namespace loam::netcfg
