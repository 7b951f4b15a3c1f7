// The network section of loam.yaml as files of systemd-networkd. Pure.
// Formats: systemd.link(5), systemd.netdev(5), systemd.network(5) of systemd 257.
#pragma once

#include <vector>

#include "model/config.hpp"
#include "plan/node_files.hpp"

namespace loam::netcfg {

// Of a network whose NICs are pinned (pins.hpp): every Ethernet NIC asks DHCP, since nothing is asked for or nothing of
// it is known yet. Then the node can at least be reached.
bool asks_everywhere(const model::Network& network);

// Of a network whose NICs are pinned: each matched by its MAC address, those that are not known left out.
std::vector<plan::RenderedFile> render_network(const model::Network& network);

}  // namespace loam::netcfg
