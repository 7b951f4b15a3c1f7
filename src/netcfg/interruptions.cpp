#include "netcfg/interruptions.hpp"

#include <algorithm>
#include <format>
#include <map>

#include "base/text.hpp"
#include "model/describe.hpp"
#include "model/mtu.hpp"

namespace loam::netcfg {

namespace {

template <typename List>
auto by_name(const List& list) {
  std::map<std::string, typename List::value_type> map;
  for (const auto& item : list) map.emplace(item.name.str(), item);
  return map;
}

std::vector<std::string> names(const std::vector<model::LinkName>& links) {
  std::vector<std::string> list;
  list.reserve(links.size());
  for (const auto& link : links) list.push_back(link.str());
  std::ranges::sort(list);
  return list;
}

std::vector<std::string> not_in(const std::vector<std::string>& list, const std::vector<std::string>& other) {
  std::vector<std::string> rest;
  std::ranges::set_difference(list, other, std::back_inserter(rest));
  return rest;
}

class Comparison {
 public:
  Comparison(const model::Network& before, const model::Network& after) : before_(&before), after_(&after) {}

  std::vector<std::string> run() && {
    nics();
    virtual_links(before_->bonds, after_->bonds, [this](const auto& a, const auto& b) { return bond(a, b); });
    virtual_links(before_->vlans, after_->vlans,
                  [](const auto& a, const auto& b) { return a.id == b.id && a.parent == b.parent; });
    virtual_links(before_->bridges, after_->bridges, [this](const auto& a, const auto& b) {
      members(a.name.str(), names(a.members), names(b.members));
      if (a.vlan_filtering == b.vlan_filtering && a.trunk != b.trunk)
        say(std::format("the trunk of {} changes: machines on VLANs that it no longer has lose their network",
                        a.name.str()));
      return a.vlan_filtering == b.vlan_filtering;
    });
    mtus();
    for (const auto& interface : before_->interfaces) addresses(interface);
    return std::move(said_);
  }

 private:
  void say(std::string text) { said_.push_back(std::move(text)); }

  void nics() {
    const auto after = by_name(after_->nics);
    for (const auto& nic : before_->nics)
      if (const auto found = after.find(nic.name.str());
          found != after.end() && found->second.match.mac != nic.match.mac)
        say(std::format("{} becomes another NIC: what goes over the old one stops", nic.name.str()));
  }

  // `same`: what can be changed while the link is there.
  template <typename List, typename Same>
  void virtual_links(const List& before, const List& after, Same same) {
    const auto now = by_name(after);
    for (const auto& old : before) {
      const auto found = now.find(old.name.str());
      if (found == now.end())
        say(std::format("{} goes away, and what goes over it", old.name.str()));
      else if (!same(old, found->second))
        say(std::format("{} is made anew: what goes over it stops for some seconds", old.name.str()));
    }
  }

  bool bond(const model::Bond& before, const model::Bond& after) {
    members(before.name.str(), names(before.members), names(after.members));
    auto changed = before;
    changed.members = after.members;
    changed.mtu = after.mtu;
    if (before.primary && after.primary) changed.primary = after.primary;
    return changed == after;
  }

  void members(const std::string& master, const std::vector<std::string>& before,
               const std::vector<std::string>& after) {
    const auto leave = not_in(before, after);
    const auto join_in = not_in(after, before);
    if (!leave.empty() && leave.size() == before.size())
      say(std::format("{} loses all of its members: what goes over it stops until the new ones work", master));
    else if (!leave.empty())
      say(std::format("{} leaves {}: its flows move to the others", join(leave, ", "), master));
    if (!join_in.empty()) say(std::format("{} joins {}", join(join_in, ", "), master));
  }

  void mtus() {
    const auto compare = [this](const auto& before, const auto& after) {
      const auto now = by_name(after);
      for (const auto& old : before)
        if (now.contains(old.name.str()) && !in_bond(old.name)) mtu(old.name);
    };
    compare(before_->nics, after_->nics);
    compare(before_->bonds, after_->bonds);
    compare(before_->vlans, after_->vlans);
    compare(before_->bridges, after_->bridges);
  }

  // Its MTU is its bond's, which is said.
  bool in_bond(const model::LinkName& link) const {
    return std::ranges::any_of(after_->bonds,
                               [&](const auto& bond) { return std::ranges::contains(bond.members, link); });
  }

  void mtu(const model::LinkName& link) {
    const auto old = model::mtu_of(*before_, link);
    const auto now = model::mtu_of(*after_, link);
    if (old != now)
      say(std::format("{} changes its MTU from {} to {}: some drivers stop for a second", link.str(), old, now));
  }

  void addresses(const model::Interface& before) {
    const auto found = std::ranges::find(after_->interfaces, before.link, &model::Interface::link);
    for (const auto& address : before.addresses) {
      const bool stays =
          found != after_->interfaces.end() && std::ranges::find(found->addresses, address) != found->addresses.end();
      if (!stays) say(std::format("{} leaves {}: connections to it end", address.str(), before.link.str()));
    }
    const bool gone = found == after_->interfaces.end();
    if (before.dhcp4 && (gone || !found->dhcp4))
      say(std::format("{} gives back its address of DHCP: connections to it end", before.link.str()));
    if (gone) return;
    if (before.ipv6 != found->ipv6)
      say(std::format("IPv6 on {} changes from {} to {}: connections over its addresses from routers may end",
                      before.link.str(), model::enum_name(before.ipv6), model::enum_name(found->ipv6)));
    if (before.gateway != found->gateway || before.gateway6 != found->gateway6)
      say(std::format("the default gateway of {} changes: connections that go further than its network may end",
                      before.link.str()));
  }

  const model::Network* before_;
  const model::Network* after_;
  std::vector<std::string> said_;
};

}  // namespace

std::vector<std::string> interruptions(const model::Config& before, const model::Config& after) {
  auto said = Comparison(before.network, after.network).run();
  const auto vip = [](const model::Config& config) {
    return config.cluster && config.cluster->vip ? config.cluster->vip->str() : "";
  };
  if (const auto old = vip(before); !old.empty() && old != vip(after))
    said.push_back(std::format("the cluster's VIP {} goes away: clients of its API must use {}", old,
                               vip(after).empty() ? "a node's own address" : vip(after)));
  return said;
}

}  // namespace loam::netcfg
