#include <algorithm>
#include <format>
#include <set>

#include "model/describe.hpp"
#include "model/validate.hpp"

namespace loam::model {

namespace {

// What would admit nothing is a mistake: somebody waits for it.
void roles(const std::vector<Role>& roles, const std::vector<Interface>& interfaces, const std::string& path,
           Problems& problems) {
  std::set<Role> seen;
  for (const auto role : roles) {
    if (!seen.insert(role).second) problems.add(path, std::format("{} stands here twice", enum_name(role)));
    const bool carried = std::ranges::any_of(
        interfaces, [&](const Interface& interface) { return std::ranges::contains(interface.roles, role); });
    // Without interfaces every NIC carries every role.
    if (!carried && !interfaces.empty())
      problems.add(path,
                   std::format("no interface of this file has the role {}, so nothing is admitted", enum_name(role)));
  }
}

}  // namespace

void validate_firewall(const Network& network, Problems& problems) {
  const std::string path = "network.firewall";
  const auto& firewall = network.firewall;
  for (std::size_t i = 0; i < firewall.networks.size(); ++i)
    whole_network(net(firewall.networks[i]), std::format("{}.networks[{}]", path, i), problems);
  for (std::size_t i = 0; i < firewall.allow.size(); ++i) {
    const auto at = std::format("{}.allow[{}]", path, i);
    const auto& allow = firewall.allow[i];
    if (allow.from) whole_network(net(*allow.from), at + ".from", problems);
    roles(allow.roles, network.interfaces, at + ".roles", problems);
    const auto same = std::ranges::find(firewall.allow, allow) - firewall.allow.begin();
    if (static_cast<std::size_t>(same) < i)
      problems.add(at, std::format("is what {}.allow[{}] says already", path, same));
  }
}

}  // namespace loam::model
