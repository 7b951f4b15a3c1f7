#include "netcfg/pins.hpp"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.hpp"

namespace loam::netcfg {

namespace {

bool matches(const model::NicSelector& match, const Link& nic) {
  return (!match.mac || lower(match.mac->str()) == identity(nic)) && (!match.pci || match.pci->str() == nic.pci) &&
         (!match.driver || glob_match(match.driver->str(), nic.driver)) &&
         (!match.min_speed || nic.speed >= *match.min_speed) && (!match.carrier || nic.carrier);
}

// Members that a bond selected are called after it: bond0p0, bond0p1.
bool is_member_of(std::string_view name, std::string_view bond) {
  const auto rest = name.starts_with(bond) ? name.substr(bond.size()) : "";
  return rest.starts_with('p') && rest.size() > 1 && rest.find_first_not_of("0123456789", 1) == rest.npos;
}

std::string list(const std::vector<const Link*>& nics) {
  std::vector<std::string> texts;
  texts.reserve(nics.size());
  for (const auto* nic : nics) texts.push_back(describe(*nic));
  return texts.empty() ? "none" : join(texts, "; ");
}

class Pinner {
 public:
  Pinner(const model::Network& network, const std::vector<Link>& links, const Pins& before)
      : network_(&network), before_(&before) {
    for (const auto& link : links)
      if (link.kind == "nic" && !identity(link).empty()) nics_.push_back(&link);
  }

  Pinned run() && {
    // What is said by its address is taken first, then what was pinned before: neither is free for the others.
    for (const auto& nic : network_->nics)
      if (nic.match.mac) pin(nic.name.str(), lower(nic.match.mac->str()));
    for (const auto& nic : network_->nics)
      if (!nic.match.mac) keep(nic);
    for (const auto& bond : network_->bonds)
      if (bond.select) keep_members(bond.name.str());
    for (std::size_t i = 0; i < network_->nics.size(); ++i) nic(network_->nics[i], i);
    for (std::size_t i = 0; i < network_->bonds.size(); ++i)
      if (network_->bonds[i].select) select(network_->bonds[i], i);
    return std::move(result_);
  }

 private:
  void pin(const std::string& name, const std::string& mac) {
    result_.pins[name] = mac;
    taken_.insert(mac);
  }

  const Link* present(const std::string& mac) const {
    const auto found = std::ranges::find_if(nics_, [&](const auto* nic) { return identity(*nic) == mac; });
    return found == nics_.end() ? nullptr : *found;
  }

  void keep(const model::Nic& nic) {
    const auto old = before_->find(nic.name.str());
    const auto* const found = old == before_->end() || taken_.contains(old->second) ? nullptr : present(old->second);
    auto lasting = nic.match;  // what no cable changes
    lasting.carrier.reset();
    lasting.min_speed.reset();
    if (found != nullptr && matches(lasting, *found)) pin(nic.name.str(), old->second);
  }

  void keep_members(const std::string& bond) {
    for (const auto& [name, mac] : *before_)
      if (is_member_of(name, bond) && !taken_.contains(mac)) pin(name, mac);
  }

  std::vector<const Link*> free_matches(const model::NicSelector& match) const {
    std::vector<const Link*> found;
    for (const auto* nic : nics_)
      if (matches(match, *nic) && !taken_.contains(identity(*nic))) found.push_back(nic);
    // By place in the machine: the same machine gives the same names.
    std::ranges::sort(found, {}, [](const auto* nic) { return std::pair{nic->pci, nic->name}; });
    return found;
  }

  void nic(const model::Nic& nic, std::size_t index) {
    const auto& name = nic.name.str();
    if (result_.pins.contains(name)) return;
    const auto found = free_matches(nic.match);
    const auto old = before_->find(name);
    const auto place = std::format("network.nics[{}] ({})", index, name);
    if (found.size() == 1) {
      if (old != before_->end())
        result_.notes.push_back(
            std::format("{}: {} is gone; {} takes its place", place, old->second, describe(*found.front())));
      pin(name, identity(*found.front()));
    } else if (found.empty() && old != before_->end()) {
      result_.notes.push_back(std::format("{}: its NIC {} is gone, and no other matches", place, old->second));
      pin(name, old->second);
    } else if (found.empty()) {
      result_.problems.push_back(std::format("{}: no NIC matches; the NICs of this machine: {}", place, list(nics_)));
    } else {
      result_.problems.push_back(std::format("{}: {} NICs match: {}; add mac or pci so that exactly one does", place,
                                             found.size(), list(found)));
    }
  }

  // The name of a member whose NIC is gone, else the next one that is free.
  std::string name_for_member(const std::string& bond) {
    for (const auto& [name, mac] : result_.pins)
      if (is_member_of(name, bond) && present(mac) == nullptr) return name;
    std::size_t number = 0;
    while (result_.pins.contains(std::format("{}p{}", bond, number))) ++number;
    return std::format("{}p{}", bond, number);
  }

  void select(const model::Bond& bond, std::size_t index) {
    const auto& name = bond.name.str();
    for (const auto* found : free_matches(*bond.select)) {
      const auto member = name_for_member(name);
      if (const auto gone = result_.pins.find(member); gone != result_.pins.end())
        result_.notes.push_back(
            std::format("{}: {} is gone; {} takes its place", member, gone->second, describe(*found)));
      pin(member, identity(*found));
    }
    const bool any = std::ranges::any_of(result_.pins, [&](const auto& p) { return is_member_of(p.first, name); });
    if (!any)
      result_.problems.push_back(std::format(
          "network.bonds[{}] ({}): no NIC matches select; the NICs of this machine: {}", index, name, list(nics_)));
  }

  const model::Network* network_;
  const Pins* before_;
  std::vector<const Link*> nics_;
  std::set<std::string> taken_;
  Pinned result_;
};

}  // namespace

std::string describe(const Link& nic) {
  std::string text = std::format("{} ({}, {}", nic.name, identity(nic), nic.driver.empty() ? "no driver" : nic.driver);
  if (!nic.pci.empty()) text += ", " + nic.pci;
  if (nic.speed > 0) text += ", " + format_speed(nic.speed);
  return text + (nic.carrier ? ", carrier)" : ", no carrier)");
}

Pinned pin_nics(const model::Network& network, const std::vector<Link>& links, const Pins& before) {
  return Pinner(network, links, before).run();
}

Open open_questions(const model::Network& network, const std::vector<Link>& links, const Pins& before) {
  const auto by_address = [&](const std::string& name) {
    return std::ranges::any_of(network.nics, [&](const auto& nic) { return nic.name.str() == name && nic.match.mac; });
  };
  const auto is_there = [&](const std::string& mac) {
    return std::ranges::any_of(links, [&](const auto& link) { return identity(link) == mac; });
  };
  if (std::ranges::any_of(before, [&](const auto& pin) { return !by_address(pin.first) && !is_there(pin.second); }))
    return Open::presence;
  const auto by_cable = [&](const auto& nic) {
    return (nic.match.min_speed || nic.match.carrier) && !before.contains(nic.name.str());
  };
  const auto selects = [&](const auto& bond) { return bond.select && !before.contains(bond.name.str() + "p0"); };
  const bool cables = std::ranges::any_of(network.nics, by_cable) || std::ranges::any_of(network.bonds, selects);
  return cables ? Open::cables : Open::nothing;
}

model::Network pinned_network(const model::Network& network, const Pins& pins) {
  auto result = network;
  result.nics.clear();
  const auto add = [&](const std::string& name, const std::string& mac, const model::NicSelector& match,
                       std::optional<std::int64_t> mtu) {
    auto link = model::LinkName::parse(name);
    auto address = model::MacAddress::parse(mac);
    if (!link || !address) return false;
    result.nics.push_back(
        {.name = *link,
         .match = {.mac = *address, .pci = {}, .driver = {}, .min_speed = match.min_speed, .carrier = {}},
         .mtu = mtu});
    return true;
  };
  for (const auto& nic : network.nics) {
    const auto pin = pins.find(nic.name.str());
    const auto mac = nic.match.mac ? lower(nic.match.mac->str()) : pin == pins.end() ? "" : pin->second;
    if (!mac.empty()) add(nic.name.str(), mac, nic.match, nic.mtu);
  }
  for (auto& bond : result.bonds) {
    if (!bond.select) continue;
    for (const auto& [name, mac] : pins)
      if (is_member_of(name, bond.name.str()) && add(name, mac, *bond.select, std::nullopt))
        bond.members.push_back(result.nics.back().name);
    bond.select.reset();
  }
  return result;
}

std::string to_json(const Pins& pins) { return nlohmann::json(pins).dump(1) + "\n"; }

Result<Pins> parse_pins(std::string_view json) {
  try {
    auto pins = nlohmann::json::parse(json).get<Pins>();
    for (const auto& [name, mac] : pins) {
      LOAM_CHECK(model::LinkNameKind::check(name));
      LOAM_CHECK(model::MacAddressKind::check(mac));
    }
    return pins;
  } catch (const nlohmann::json::exception& problem) {
    return fail(std::format("{}: {}", pins_path, printable(problem.what())));
  }
}

}  // namespace loam::netcfg
