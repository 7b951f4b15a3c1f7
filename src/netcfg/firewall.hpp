// The host's firewall: what loam.yaml's roles need is admitted, everything else refused, counted and told. Pure.
// Format: nft(8) of nftables 1.1, with every line of a ruleset in one transaction.
#pragma once

#include <string_view>

#include "model/config.hpp"
#include "plan/node_files.hpp"

namespace loam::netcfg {

inline constexpr std::string_view firewall_path = "/etc/loam/firewall.nft";
inline constexpr std::string_view firewall_unit = "loam-firewall.service";

// Of a configuration whose NICs are pinned (pins.hpp). Its table is `inet loam`; no other table is touched. It comes
// after kube-proxy's (priority -110) and iptables' (0), whose refusals have answers of their own, and no refusal of it
// can be undone by theirs, nor the other way round.
plan::RenderedFile render_firewall(const model::Config& config);

}  // namespace loam::netcfg
