#include "model/mtu.hpp"

#include <algorithm>

namespace loam::model {

namespace {

template <typename List>
auto* find(const List& list, const LinkName& link) {
  const auto found = std::ranges::find(list, link, &List::value_type::name);
  return found == list.end() ? nullptr : &*found;
}

}  // namespace

std::int64_t mtu_of(const Network& network, const LinkName& link) {
  for (const auto& bond : network.bonds)
    if (bond.name == link || std::ranges::contains(bond.members, link)) return bond.mtu.value_or(standard_mtu);
  if (const auto* const nic = find(network.nics, link)) return nic->mtu.value_or(standard_mtu);
  if (const auto* const vlan = find(network.vlans, link))
    return vlan->mtu ? *vlan->mtu : std::min(standard_mtu, mtu_of(network, vlan->parent));
  const auto* const bridge = find(network.bridges, link);
  if (bridge == nullptr) return standard_mtu;
  if (bridge->mtu) return *bridge->mtu;
  auto mtu = standard_mtu;
  for (const auto& member : bridge->members) mtu = std::min(mtu, mtu_of(network, member));
  return mtu;
}

}  // namespace loam::model
