#include "netcfg/diagnose.hpp"

#include <algorithm>
#include <array>
#include <format>
#include <optional>
#include <set>

#include "base/text.hpp"
#include "model/describe.hpp"
#include "model/mtu.hpp"

namespace loam::netcfg {

namespace {

bool no_system(std::string_view mac) { return mac.empty() || mac == "00:00:00:00:00:00"; }

class Diagnosis {
 public:
  Diagnosis(const model::Network& network, const LinkTable& table, const Partners& partners)
      : network_(&network), table_(&table), partners_(&partners) {
    carried_by(network.bonds);
    carried_by(network.bridges);
    for (const auto& vlan : network.vlans) used_.insert(vlan.parent.str());
    for (const auto& interface : network.interfaces) used_.insert(interface.link.str());
  }

  std::vector<Finding> run() && {
    for (const auto& nic : network_->nics) this->nic(nic);
    for (const auto& bond : network_->bonds) this->bond(bond);
    for (const auto& vlan : network_->vlans) exists(vlan.name, "VLAN");
    for (const auto& bridge : network_->bridges) this->bridge(bridge);
    for (const auto& interface : network_->interfaces) this->interface(interface);
    return std::move(findings_);
  }

  std::vector<Finding> speeds() && {
    for (const auto& bond : network_->bonds) speeds(bond);
    return std::move(findings_);
  }

 private:
  void bad(const std::string& link, std::string_view text) {
    findings_.push_back({true, link, std::format("{}: {}", link, text)});
  }
  void worth_knowing(const std::string& link, std::string_view text) {
    findings_.push_back({false, link, std::format("{}: {}", link, text)});
  }

  template <typename List>
  void carried_by(const List& masters) {
    for (const auto& master : masters) {
      const auto* const found = link(master.name);
      for (const auto& member : master.members) {
        used_.insert(member.str());
        if (found != nullptr && found->carrier) carried_by_.emplace(member.str(), master.name.str());
      }
    }
  }

  // One NIC of a bond that works without it: what a bond is for. One that only has a name may wait for its cable.
  void nic_out(const std::string& name, std::string_view text) {
    const auto master = carried_by_.find(name);
    if (master != carried_by_.end())
      worth_knowing(name, std::format("{}; {} works without it", text, master->second));
    else if (!used_.contains(name) && !network_->interfaces.empty())
      worth_knowing(name, std::format("{}; nothing uses it", text));
    else
      bad(name, text);
  }

  // A NIC by its address, whatever it is called at the moment.
  const Link* link(const model::LinkName& name) const {
    for (const auto& nic : network_->nics)
      if (nic.name == name && nic.match.mac) return table_->find_hardware(nic.match.mac->str());
    return table_->find(name.str());
  }

  void nic(const model::Nic& nic) {
    const auto& name = nic.name.str();
    const auto* const found = link(nic.name);
    if (found == nullptr) {
      nic_out(name,
              std::format("no NIC with the address {} is in this machine", nic.match.mac ? nic.match.mac->str() : "?"));
    } else if (!found->carrier) {
      nic_out(name,
              found->up ? "no carrier: no cable, or the switch port is off" : "is not up; networkctl status says why");
    } else if (nic.match.min_speed && found->speed > 0 && found->speed < *nic.match.min_speed) {
      worth_knowing(name, std::format("runs at {}, min_speed is {}: the cable, its modules or the switch port",
                                      format_speed(found->speed), format_speed(*nic.match.min_speed)));
    }
  }

  const Link* exists(const model::LinkName& name, std::string_view what) {
    const auto* const found = link(name);
    if (found == nullptr)
      bad(name.str(), std::format("this {} does not exist; networkctl and loamctl logs say why", what));
    return found;
  }

  // ---- bonds ----

  void bond(const model::Bond& bond) {
    const auto* const found = exists(bond.name, "bond");
    if (found == nullptr) return;
    std::vector<std::pair<std::string, const Link*>> members;
    for (const auto& name : bond.members)
      if (const auto* const member = link(name); member != nullptr && member->carrier) {
        if (member->master != found->index)
          bad(name.str(), std::format("is not in {}; networkctl status {} says why", bond.name.str(), member->name));
        else
          members.emplace_back(name.str(), member);
      }
    if (!found->carrier) bad(bond.name.str(), no_carrier(bond, members.size()));
    speeds(bond);
    if (bond.mode == model::BondMode::lacp) lacp(bond, *found, members);
  }

  static std::string no_carrier(const model::Bond& bond, std::size_t working) {
    if (working == 0) return "no carrier: none of its members works";
    return std::format("no carrier: {} of its members work, min_links wants {}", working, bond.min_links);
  }

  void speeds(const model::Bond& bond) {
    std::set<std::int64_t> speeds;
    std::vector<std::string> texts;
    for (const auto& name : bond.members) {
      const auto* const member = link(name);
      if (member == nullptr || !member->carrier || member->speed == 0) continue;  // 0: its driver does not say
      speeds.insert(member->speed);
      texts.push_back(std::format("{} has {}", name.str(), format_speed(member->speed)));
    }
    if (speeds.size() > 1)
      worth_knowing(bond.name.str(),
                    std::format("members of different speeds: {}; {}", join(texts, ", "),
                                bond.mode == model::BondMode::lacp ? "802.3ad uses only those of one speed"
                                                                   : "the slower one can hold up the others"));
  }

  // The partner that the kernel chose for the bond: members whose partner is another one carry nothing.
  void lacp(const model::Bond& bond, const Link& link,
            const std::vector<std::pair<std::string, const Link*>>& members) {
    const auto partners = partners_->find(bond.name.str());
    if (partners == partners_->end()) return;
    const auto chosen = link.bond ? link.bond->aggregate.value_or(Aggregate{}) : Aggregate{};
    for (const auto& [name, member] : members) {
      const auto known = partners->second.find(member->name);
      if (known == partners->second.end()) continue;
      const auto& partner = known->second;
      if (no_system(partner.mac)) {
        bad(name, "carrier but no LACP partner: the switch port is not in a channel");
      } else if (!no_system(chosen.partner_mac) && partner.mac != chosen.partner_mac) {
        bad(name, std::format("its LACP partner is {}, that of {} is {}: the cables end at two switches that are not "
                              "one",
                              partner.mac, bond.name.str(), chosen.partner_mac));
      } else if (!no_system(chosen.partner_mac) && partner.key != chosen.partner_key) {
        bad(name, std::format("its LACP partner {} has it in the channel with key {}, {} is the one with key {}: the "
                              "cables end in two channels of one switch",
                              partner.mac, partner.key, bond.name.str(), chosen.partner_key));
      } else if ((partner.state & lacp_in_sync) == 0) {
        bad(name, std::format("its LACP partner {} keeps it out of the channel: the switch port has other settings "
                              "than the others, or its channel is full",
                              partner.mac));
      } else if (bond.lacp_rate == model::LacpRate::fast && (partner.state & lacp_short_timeout) == 0) {
        worth_knowing(name, "its LACP partner has the slow rate: it takes up to 90 s to see a dead link");
      }
    }
  }

  // ---- bridges and addresses ----

  void bridge(const model::Bridge& bridge) {
    const auto* const found = exists(bridge.name, "bridge");
    if (found == nullptr) return;
    for (const auto& name : bridge.members)
      if (const auto* const member = link(name); member != nullptr && member->master != found->index)
        bad(name.str(), std::format("is not in {}; networkctl status {} says why", bridge.name.str(), member->name));
  }

  void interface(const model::Interface& interface) {
    const auto& name = interface.link.str();
    const auto* const found = link(interface.link);
    if (found == nullptr) {
      if (!in_network(interface.link)) bad(name, "its NIC was not found; the condition Nics says why");
      return;  // else said already
    }
    mtu(interface.link, *found);
    for (const auto& text : interface.addresses) {
      const auto wanted = IpNet::parse(text.str());
      const auto has = std::ranges::find_if(found->addresses, [&](const auto& a) { return a.net == wanted; });
      if (has == found->addresses.end())
        bad(name, std::format("does not have its address {} yet: for some seconds it first asks whether another host "
                              "has it; if it stays so, one has",
                              text.str()));
      else if (has->duplicate)
        bad(name, std::format("its address {} is another host's too", text.str()));
      else if (has->tentative)
        bad(name, std::format("its address {} is still being checked for duplicates", text.str()));
    }
    if (interface.dhcp4 && !routable(*found, false))
      bad(name, "no IPv4 address yet: no DHCP server answers");
    else if (needs_router(interface) && !routable(*found, true))
      bad(name, "no IPv6 address yet: no router answers");
  }

  // NICs that could not be told are not in the pinned network.
  bool in_network(const model::LinkName& name) const {
    const auto has = [&](const auto& list) {
      return std::ranges::any_of(list, [&](const auto& item) { return item.name == name; });
    };
    return has(network_->nics) || has(network_->bonds) || has(network_->vlans) || has(network_->bridges);
  }

  // Whoever carries nothing but machines needs no address.
  static bool needs_router(const model::Interface& interface) {
    const bool only_vms = interface.roles == std::vector{model::Role::vm};
    return !only_vms && interface.addresses.empty() && !interface.dhcp4 && interface.ipv6 != model::Ipv6Mode::off;
  }

  static bool routable(const Link& link, bool v6) {
    return std::ranges::any_of(link.addresses, [v6](const auto& a) {
      return a.net.address.v6 == v6 && !a.net.address.is_link_local() && !a.tentative;
    });
  }

  void mtu(const model::LinkName& name, const Link& found) {
    const auto wanted = model::mtu_of(*network_, name);
    if (found.mtu != wanted)
      bad(name.str(),
          std::format("has MTU {}, {} was asked for; the driver or a member may not carry it", found.mtu, wanted));
  }

  const model::Network* network_;
  const LinkTable* table_;
  const Partners* partners_;
  std::map<std::string, std::string> carried_by_;  // members of bonds and bridges that have carrier
  std::set<std::string> used_;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> diagnose(const model::Network& network, const LinkTable& table, const Partners& partners) {
  return Diagnosis(network, table, partners).run();
}

std::vector<Finding> mixed_speeds(const model::Network& network, const LinkTable& table) {
  return Diagnosis(network, table, {}).speeds();
}

std::map<std::string, std::int64_t> owed_mtus(const model::Network& network, const LinkTable& table) {
  std::map<std::string, std::int64_t> owed;
  const auto look = [&](const model::LinkName& name, const std::vector<model::LinkName>& below) {
    const auto* const link = table.find(name.str());
    const auto wanted = model::mtu_of(network, name);
    const bool carried = std::ranges::all_of(below, [&](const auto& lower) {
      const auto* const found = table.find(lower.str());
      return found != nullptr && found->mtu >= wanted;
    });
    if (link != nullptr && link->mtu != wanted && carried) owed.emplace(name.str(), wanted);
  };
  for (const auto& vlan : network.vlans) look(vlan.name, {vlan.parent});
  for (const auto& bridge : network.bridges) look(bridge.name, bridge.members);
  return owed;
}

std::vector<std::string> loose_members(const model::Network& network, const LinkTable& table) {
  std::vector<std::string> loose;
  const auto look = [&](const model::LinkName& above, const std::vector<model::LinkName>& members) {
    const auto* const master = table.find(above.str());
    for (const auto& name : members) {
      const auto* const member = table.find(name.str());
      if (master != nullptr && member != nullptr && member->master != master->index) loose.push_back(name.str());
    }
  };
  for (const auto& bond : network.bonds) look(bond.name, bond.members);
  for (const auto& bridge : network.bridges) look(bridge.name, bridge.members);
  return loose;
}

std::vector<std::string> lost_addresses(const model::Network& network, const LinkTable& table,
                                        const std::vector<ProbeResult>& results) {
  std::vector<std::string> lost;
  for (const auto& interface : network.interfaces) {
    const auto* const link = table.find(interface.link.str());
    if (link == nullptr || !link->carrier) continue;
    int alone = 0;
    int taken = 0;
    for (const auto& result : results)
      if (result.probe.kind == ProbeKind::duplicate && result.probe.link == link->name) ++(result.good ? alone : taken);
    const bool has_all = std::ranges::all_of(interface.addresses, [&](const auto& text) {
      const auto wanted = IpNet::parse(text.str());
      return std::ranges::any_of(link->addresses, [&](const auto& has) { return has.net == wanted; });
    });
    if (!has_all && alone > 0 && taken == 0) lost.push_back(link->name);
  }
  return lost;
}

std::string lacp_state_text(unsigned state) {
  constexpr std::array names = {"activity",   "short timeout", "aggregation", "sync",
                                "collecting", "distributing",  "defaulted",   "expired"};
  std::vector<std::string> set;
  for (std::size_t bit = 0; bit < names.size(); ++bit)
    if ((state >> bit & 1U) != 0) set.emplace_back(names.at(bit));
  return join(set, ", ");
}

}  // namespace loam::netcfg
