#include <algorithm>
#include <array>
#include <cctype>
#include <format>
#include <map>
#include <optional>
#include <set>

#include "base/text.hpp"
#include "model/describe.hpp"
#include "model/mtu.hpp"
#include "model/validate.hpp"

namespace loam::model {

namespace {

// A bond that selects its members names them after itself: bond0p0, bond0p1.
constexpr std::size_t longest_selecting_bond = 12;
constexpr std::size_t most_arp_targets = 16;  // BOND_MAX_ARP_TARGETS of the kernel

enum class Kind { nic, bond, vlan, bridge };

constexpr std::string_view kind_text(Kind kind) {
  constexpr std::array names = {"NIC", "bond", "VLAN", "bridge"};
  return names.at(static_cast<std::size_t>(kind));
}

bool kernel_name(std::string_view name) {
  return name.starts_with("eth") && name.size() > 3 &&
         std::ranges::all_of(name.substr(3), [](unsigned char c) { return std::isdigit(c) != 0; });
}

class LinkRules {
 public:
  LinkRules(const Network& network, Problems& problems) : net_(&network), problems_(&problems) {}

  void run() {
    const auto before = problems_->count();
    names();
    nics();
    for (std::size_t i = 0; i < net_->bonds.size(); ++i) bond(net_->bonds[i], std::format("network.bonds[{}]", i));
    for (std::size_t i = 0; i < net_->bridges.size(); ++i)
      bridge(net_->bridges[i], std::format("network.bridges[{}]", i));
    for (std::size_t i = 0; i < net_->vlans.size(); ++i) vlan(net_->vlans[i], std::format("network.vlans[{}]", i));
    // Of links that stand in a ring there is no MTU to tell.
    if (problems_->count() == before) mtus();
  }

 private:
  struct Known {
    Kind kind;
    std::string path;
    std::optional<std::int64_t> mtu;
  };

  void problem(std::string path, std::string text) { problems_->add(std::move(path), std::move(text)); }

  // ---- names ----

  template <typename List>
  void names_of(const List& list, Kind kind, std::string_view section) {
    for (std::size_t i = 0; i < list.size(); ++i)
      name(list[i].name.str(), {kind, std::format("network.{}[{}]", section, i), list[i].mtu});
  }

  void names() {
    names_of(net_->nics, Kind::nic, "nics");
    names_of(net_->bonds, Kind::bond, "bonds");
    names_of(net_->vlans, Kind::vlan, "vlans");
    names_of(net_->bridges, Kind::bridge, "bridges");
  }

  void name(const std::string& text, Known known) {
    const auto path = known.path + ".name";
    if (text == "lo" || text == "all" || text == "default")
      problem(path, std::format("\"{}\" is a name of the kernel's own; choose another", text));
    if (kernel_name(text))
      problem(path, std::format("the kernel gives the name \"{}\" itself, and not always to the same NIC; choose "
                                "another, such as nic{}",
                                text, text.substr(3)));
    const auto [at, fresh] = links_.emplace(text, std::move(known));
    if (!fresh) problem(path, std::format("the name \"{}\" is taken by {}", text, at->second.path));
  }

  const Known* known(const LinkName& link, const std::string& path) {
    const auto found = links_.find(link.str());
    if (found != links_.end()) return &found->second;
    problem(path, std::format("there is no NIC, bond, VLAN or bridge \"{}\" in this file", link.str()));
    return nullptr;
  }

  // ---- NICs ----

  void nics() {
    std::map<std::string, std::string> seen;
    for (std::size_t i = 0; i < net_->nics.size(); ++i) {
      const auto path = std::format("network.nics[{}].match", i);
      selector(net_->nics[i].match, path);
      if (const auto& mac = net_->nics[i].match.mac) same(seen, lower(mac->str()), path + ".mac");
      if (const auto& pci = net_->nics[i].match.pci) same(seen, pci->str(), path + ".pci");
    }
  }

  void same(std::map<std::string, std::string>& seen, const std::string& value, const std::string& path) {
    const auto [at, fresh] = seen.emplace(value, path);
    if (!fresh) problem(path, std::format("{} is what {} says already", value, at->second));
  }

  void selector(const NicSelector& match, const std::string& path) {
    if (match == NicSelector{})
      problem(path, "says nothing about the NIC; name its mac, pci, driver, min_speed or carrier");
    if (match.carrier && !*match.carrier)
      problem(path + ".carrier", "a NIC without a cable cannot be asked for; leave it out");
    if (!match.mac) return;
    const auto text = lower(match.mac->str());
    // The lowest bit of the first byte marks a group (IEEE 802).
    if (std::string_view("13579bdf").contains(text[1]))
      problem(path + ".mac", std::format("{} is a group's address, which no NIC has", text));
    if (text == "00:00:00:00:00:00") problem(path + ".mac", "is all zeros, which no NIC has");
  }

  // ---- bonds and bridges ----

  // A link can be in one bond or bridge only.
  const Known* member(const LinkName& link, const std::string& path) {
    const auto* const found = known(link, path);
    const auto [at, fresh] = masters_.emplace(link.str(), path);
    if (!fresh) problem(path, std::format("\"{}\" is a member of {} already", link.str(), at->second));
    return found;
  }

  void bond(const Bond& bond, const std::string& path) {
    if (bond.select) {
      selecting(bond, path);
    } else if (bond.members.empty()) {
      problem(path, "a bond needs members, or select to choose them");
    }
    for (std::size_t i = 0; i < bond.members.size(); ++i) {
      const auto at = std::format("{}.members[{}]", path, i);
      const auto* const found = member(bond.members[i], at);
      if (found != nullptr && found->kind != Kind::nic)
        problem(at, std::format("\"{}\" is a {}; members of a bond are NICs", bond.members[i].str(),
                                kind_text(found->kind)));
    }
    modes(bond, path);
  }

  void selecting(const Bond& bond, const std::string& path) {
    selector(*bond.select, path + ".select");
    if (!bond.members.empty()) problem(path + ".members", "give either members or select");
    if (bond.primary) problem(path + ".primary", "needs members: those that select finds have no names yet");
    for (const auto& [name, link] : links_)
      if (name.starts_with(bond.name.str() + "p") &&
          name.find_first_not_of("0123456789", bond.name.str().size() + 1) == name.npos)
        problem(link.path + ".name", std::format("\"{}\" is what {} calls what it selects", name, path));
    if (bond.name.str().size() > longest_selecting_bond)
      problem(path + ".name", std::format("may have {} characters, since its members are called {}p0, {}p1",
                                          longest_selecting_bond, bond.name.str(), bond.name.str()));
  }

  void modes(const Bond& bond, const std::string& path) {
    const auto mode = enum_name(bond.mode);
    if (bond.primary && bond.mode != BondMode::active_backup && bond.mode != BondMode::balance_tlb &&
        bond.mode != BondMode::balance_alb)
      problem(path + ".primary", std::format("mode {} has no primary", mode));
    else if (bond.primary && !bond.select && std::ranges::find(bond.members, *bond.primary) == bond.members.end())
      problem(path + ".primary", std::format("\"{}\" is no member of this bond", bond.primary->str()));
    if (bond.min_links > 1 && bond.mode != BondMode::lacp)
      problem(path + ".min_links", std::format("only 802.3ad knows it; mode {} is up with one member", mode));
    if (!bond.select && bond.min_links > static_cast<std::int64_t>(bond.members.size()) && !bond.members.empty())
      problem(path + ".min_links",
              std::format("the bond has {} members, so it would never be up", bond.members.size()));
    arp_targets(bond, path + ".arp_targets");
  }

  void arp_targets(const Bond& bond, const std::string& path) {
    if (bond.arp_targets.empty()) return;
    if (bond.mode == BondMode::lacp || bond.mode == BondMode::balance_tlb || bond.mode == BondMode::balance_alb)
      problem(path, std::format("mode {} watches the carrier only; leave them out", enum_name(bond.mode)));
    if (bond.arp_targets.size() > most_arp_targets)
      problem(path, std::format("are {}, the kernel takes {}", bond.arp_targets.size(), most_arp_targets));
    for (const auto& target : bond.arp_targets)
      if (target.str().contains(':')) problem(path, std::format("{} is no IPv4 address", target.str()));
  }

  void bridge(const Bridge& bridge, const std::string& path) {
    for (std::size_t i = 0; i < bridge.members.size(); ++i) {
      const auto at = std::format("{}.members[{}]", path, i);
      const auto* const found = member(bridge.members[i], at);
      if (found != nullptr && found->kind == Kind::bridge)
        problem(at, std::format("\"{}\" is a bridge; a bridge cannot be in a bridge", bridge.members[i].str()));
      std::set<std::string> seen;
      if (ring_said_ || !stands_on(bridge.members[i], bridge.name, seen)) continue;
      ring_said_ = true;
      problem(at, std::format("\"{}\" stands on this bridge itself", bridge.members[i].str()));
    }
    if (!bridge.vlan_filtering && !bridge.trunk.empty())
      problem(path + ".trunk", "needs vlan_filtering: without it every VLAN passes");
  }

  // Whether the link, or what is below it, is a VLAN on the bridge.
  bool stands_on(const LinkName& link, const LinkName& bridge, std::set<std::string>& seen) const {
    if (!seen.insert(link.str()).second) return false;
    const auto vlan = std::ranges::find(net_->vlans, link, &Vlan::name);
    if (vlan != net_->vlans.end()) return vlan->parent == bridge || stands_on(vlan->parent, bridge, seen);
    const auto other = std::ranges::find(net_->bridges, link, &Bridge::name);
    return other != net_->bridges.end() &&
           std::ranges::any_of(other->members, [&](const auto& member) { return stands_on(member, bridge, seen); });
  }

  void vlan(const Vlan& vlan, const std::string& path) {
    const auto* const parent = known(vlan.parent, path + ".parent");
    if (parent != nullptr && parent->kind == Kind::vlan)
      problem(path + ".parent",
              std::format("\"{}\" is a VLAN; a VLAN stands on a NIC, bond or bridge", vlan.parent.str()));
    // On a member of a bridge it may stand: its frames leave before the bridge sees them.
    if (const auto master = masters_.find(vlan.parent.str());
        parent != nullptr && master != masters_.end() && master->second.starts_with("network.bonds"))
      problem(path + ".parent", std::format("\"{}\" is a member of {}; put the VLAN on what it is a member of",
                                            vlan.parent.str(), master->second));
    passes_trunk(vlan, path);
    const auto [at, fresh] = tags_.emplace(std::pair{vlan.parent.str(), vlan.id}, path);
    if (!fresh)
      problem(path + ".id", std::format("{} on \"{}\" is {} already", vlan.id, vlan.parent.str(), at->second));
  }

  // A VLAN of the node itself that stands on a bridge goes through the bridge's members like those of its machines.
  void passes_trunk(const Vlan& vlan, const std::string& path) {
    const auto bridge = std::ranges::find(net_->bridges, vlan.parent, &Bridge::name);
    if (bridge == net_->bridges.end() || bridge->trunk.empty()) return;
    const bool passes = std::ranges::any_of(bridge->trunk, [&](const auto& range) {
      const auto ids = vlan_range(range.str());
      return ids && ids->first <= vlan.id && vlan.id <= ids->second;
    });
    if (!passes)
      problem(path + ".id", std::format("{} is not in the trunk of \"{}\": its frames would pass no member", vlan.id,
                                        vlan.parent.str()));
  }

  // ---- MTU ----

  void mtus() {
    for (std::size_t i = 0; i < net_->bonds.size(); ++i)
      for (const auto& link : net_->bonds[i].members)
        member_mtu(link, net_->bonds[i], std::format("network.bonds[{}]", i));
    for (std::size_t i = 0; i < net_->vlans.size(); ++i) {
      const auto& vlan = net_->vlans[i];
      fits(vlan.mtu, mtu_of(*net_, vlan.parent), std::format("network.vlans[{}].mtu", i),
           "its parent " + vlan.parent.str());
    }
    for (std::size_t i = 0; i < net_->bridges.size(); ++i)
      for (const auto& link : net_->bridges[i].members)
        fits(net_->bridges[i].mtu, mtu_of(*net_, link), std::format("network.bridges[{}].mtu", i),
             "its member " + link.str());
  }

  // A bond gives its MTU to its members: one that says otherwise would be overruled without a word.
  void member_mtu(const LinkName& link, const Bond& bond, const std::string& path) {
    const auto found = links_.find(link.str());
    if (found == links_.end() || !found->second.mtu) return;
    if (*found->second.mtu != bond.mtu.value_or(standard_mtu))
      problem(found->second.path + ".mtu",
              std::format("{} is not the {} of {}, which gives its members its own; set it there only",
                          *found->second.mtu, bond.mtu.value_or(standard_mtu), path));
  }

  void fits(const std::optional<std::int64_t>& mtu, std::int64_t carrier, const std::string& path,
            const std::string& what) {
    if (mtu && *mtu > carrier) problem(path, std::format("{} is more than the {} of {}", *mtu, carrier, what));
  }

  const Network* net_;
  Problems* problems_;
  std::map<std::string, Known> links_;
  std::map<std::string, std::string> masters_;
  bool ring_said_ = false;  // each bridge of a ring stands on itself: one of them is enough to say
  std::map<std::pair<std::string, std::int64_t>, std::string> tags_;
};

}  // namespace

void validate_links(const Network& network, Problems& problems) { LinkRules(network, problems).run(); }

}  // namespace loam::model
