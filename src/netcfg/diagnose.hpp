// What is wrong with the links that loam.yaml asks for, in sentences that name the thing and the remedy. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/config.hpp"
#include "netcfg/links.hpp"
#include "netcfg/probes.hpp"

namespace loam::netcfg {

struct Finding {
  bool bad = false;  // else worth knowing
  std::string link;  // as loam.yaml calls it
  std::string text;  // "nic1: carrier but no LACP partner: ..."
  bool operator==(const Finding&) const = default;
};

// Partners of the members of each bond.
using Partners = std::map<std::string, std::map<std::string, LacpPartner>>;

// network: with its NICs pinned. Looks at the links of loam.yaml only, however many others there are.
std::vector<Finding> diagnose(const model::Network& network, const LinkTable& table, const Partners& partners);

// Of bonds whose members have carrier at different speeds; also before the network is applied. Worth knowing.
std::vector<Finding> mixed_speeds(const model::Network& network, const LinkTable& table);

// VLANs and bridges without their MTU although what is below them carries it by now, by name, with the MTU: networkd
// asks for it once, and where that is before the link below has it, the kernel refuses.
std::map<std::string, std::int64_t> owed_mtus(const model::Network& network, const LinkTable& table);

// Members that are in this machine and outside of the bond or bridge that they are meant for, which is there: networkd
// waits for a bond that it could not make in time for ever, though the kernel has made it since.
std::vector<std::string> loose_members(const model::Network& network, const LinkTable& table);

// Links with carrier that do not have a static address of theirs, although all probes for duplicates on them were asked
// and found nobody: networkd lets go of an address for another host's sake, and asks no more.
std::vector<std::string> lost_addresses(const model::Network& network, const LinkTable& table,
                                        const std::vector<ProbeResult>& results);

// Bits of an LACP port state (IEEE 802.1AX 6.4.2.3).
inline constexpr unsigned lacp_short_timeout = 0x02;
inline constexpr unsigned lacp_in_sync = 0x08;
// "activity, short timeout, aggregation, sync, collecting, distributing"
std::string lacp_state_text(unsigned state);

}  // namespace loam::netcfg
