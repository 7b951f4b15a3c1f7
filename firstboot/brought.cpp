// What one would have typed for a loam.yaml that comes from elsewhere.
#include <algorithm>
#include <format>

#include "answers.hpp"
#include "base/text.hpp"
#include "model/describe.hpp"

namespace loam::console {

namespace {

template <typename List>
std::string words(const List& list) {
  std::vector<std::string> all;
  all.reserve(list.size());
  for (const auto& one : list) all.push_back(one.str());
  return join(all, " ");
}

template <typename T>
std::string word(const std::optional<T>& value) {
  return value ? value->str() : "";
}

bool is_this(const model::NicSelector& match, const NicFacts& nic) {
  return (!match.mac || lower(match.mac->str()) == lower(nic.mac)) && (!match.pci || match.pci->str() == nic.pci) &&
         (!match.driver || glob_match(match.driver->str(), nic.driver)) &&
         (!match.min_speed || nic.speed >= *match.min_speed) && (!match.carrier || nic.carrier == *match.carrier);
}

bool is_this(const model::DiskSelector& match, const DiskFacts& disk) {
  const auto& busses = model::EnumNames<model::Bus>::names;
  return !match.vendor && (!match.id || match.id->str() == disk.id) &&
         (!match.serial || match.serial->str() == disk.serial) &&
         (!match.model || glob_match(match.model->str(), disk.model)) &&
         (!match.slot || glob_match(match.slot->str(), disk.slot)) &&
         (!match.bus || busses.at(static_cast<std::size_t>(*match.bus)) == disk.bus) &&
         (!match.rotational || *match.rotational == disk.rotational) &&
         (!match.min_size || disk.bytes >= match.min_size->bytes) &&
         (!match.max_size || disk.bytes <= match.max_size->bytes);
}

void of_address(const model::Interface& interface, Answers& answers) {
  answers["method"] = interface.dhcp4 || interface.addresses.empty() ? "dhcp" : "static";
  answers["address"] = interface.addresses.empty() ? "" : interface.addresses.front().str();
  answers["gateway"] = interface.gateway ? interface.gateway->str() : word(interface.gateway6);
}

void of_network(const model::Network& network, const MachineFacts& machine, Answers& answers) {
  answers["dns"] = words(network.dns.servers);
  answers["search"] = words(network.dns.search);
  if (network.interfaces.empty()) return;
  for (const auto& nic : machine.nics)
    answers["nic:" + nic.mac] =
        std::ranges::any_of(network.nics, [&](const model::Nic& one) { return is_this(one.match, nic); }) ? "yes" : "";
  answers["bond"] = network.bonds.empty() ? "none" : std::string(model::enum_name(network.bonds.front().mode));
  answers["vlan"] = network.vlans.empty() ? "" : std::to_string(network.vlans.front().id);
  const auto mtu = !network.bonds.empty()  ? network.bonds.front().mtu
                   : !network.nics.empty() ? network.nics.front().mtu
                                           : std::nullopt;
  answers["mtu"] = mtu ? std::to_string(*mtu) : "";
  of_address(network.interfaces.front(), answers);
}

void of_disks(const model::Config& config, const MachineFacts& machine, Answers& answers) {
  if (config.install) {
    std::vector<std::string> fitting;
    for (const auto& disk : machine.disks)
      if (is_this(config.install->disk, disk)) fitting.push_back(disk.id);
    answers["disk"] = fitting.size() == 1 ? fitting.front() : "";
    const auto& wipe = config.install->wipe;
    const bool consented = std::ranges::contains(wipe, answers["disk"], [](const auto& id) { return id.str(); });
    answers["erase"] = consented ? answers["disk"] : "";
  }
  const auto& data = config.storage.rules.data;
  model::DiskSelector hard;
  hard.rotational = true;
  answers["data"] = data.empty()                                 ? "none"
                    : data == std::vector{model::DiskSelector{}} ? "all"
                    : data == std::vector{hard}                  ? "hdd"
                                                                 : "file";
}

void of_cluster(const std::optional<model::Cluster>& cluster, Answers& answers) {
  answers["cluster"] = !cluster ? "later" : cluster->founds() ? "create" : "join";
  if (!cluster) return;
  answers["cluster_name"] = cluster->name.str();
  answers["role"] = model::enum_name(cluster->role);
  answers["vip"] = word(cluster->vip);
  answers["join"] = words(cluster->join);
  answers["join_string"] = word(cluster->join_string);
}

void of_access(const model::Access& access, Answers& answers) {
  constexpr std::size_t key_fields = 3;
  const auto& keys = access.ssh_keys;
  for (std::size_t i = 0; i < key_fields; ++i)
    answers[i == 0 ? "ssh_key" : std::format("ssh_key_{}", i + 1)] = i < keys.size() ? keys[i].str() : "";
  answers["password"] = answers["password_again"] = "";
  answers["shell"] = access.console_shell ? "yes" : "";
}

// What has names of its own choice, under the names that the page gives.
model::Network renamed(model::Network network) {
  const auto rename = [&](model::LinkName& old, const std::string& name) {
    const auto before = old;
    old = *model::LinkName::parse(name);
    const auto follow = [&](model::LinkName& link) {
      if (link == before) link = old;
    };
    for (auto& bond : network.bonds) {
      std::ranges::for_each(bond.members, follow);
      if (bond.primary) follow(*bond.primary);
    }
    for (auto& vlan : network.vlans) follow(vlan.parent);
    for (auto& interface : network.interfaces) follow(interface.link);
  };
  // In whatever order they stand.
  std::ranges::sort(network.nics, {},
                    [](const model::Nic& nic) { return nic.match.mac ? lower(nic.match.mac->str()) : ""; });
  // By way of names that nothing has: two may have each other's.
  for (const auto* const way : {"way-", ""}) {
    for (std::size_t i = 0; i < network.nics.size(); ++i) rename(network.nics[i].name, std::format("{}nic{}", way, i));
    for (std::size_t i = 0; i < network.bonds.size(); ++i)
      rename(network.bonds[i].name, std::format("{}bond{}", way, i));
  }
  for (auto& bond : network.bonds) std::ranges::sort(bond.members);
  for (auto& vlan : network.vlans) rename(vlan.name, std::format("vlan{}", vlan.id));
  for (auto& nic : network.nics)
    if (nic.match.mac) nic.match.mac = *model::MacAddress::parse(lower(nic.match.mac->str()));
  return network;
}

}  // namespace

Answers answers_for(const model::Config& config, const MachineFacts& machine, Answers first) {
  auto answers = std::move(first);
  of_network(config.network, machine, answers);
  of_disks(config, machine, answers);
  of_cluster(config.cluster, answers);
  if (config.hostname) answers["hostname"] = config.hostname->str();
  answers["keyboard"] = config.keyboard ? config.keyboard->str() : answer(answers, "keyboard");
  answers["ntp"] = words(config.time.servers);
  answers["zone"] = config.time.zone.str();
  answers["http_proxy"] = word(config.proxy.http);
  answers["https_proxy"] = word(config.proxy.https);
  answers["no_proxy"] = words(config.proxy.except);
  if (config.access != model::Access{}) of_access(config.access, answers);
  return answers;
}

bool page_shows_all(const model::Network& network, const MachineFacts& machine) {
  if (network == model::Network{}) return true;
  model::Config only;
  only.network = network;
  const Brought typed_anew{.config = only, .changed = {Part::network, Part::node}};
  const auto again =
      meaning_of(answers_for(only, machine, first_answers(machine)), machine, "", &typed_anew).config.network;
  auto before = renamed(network);
  before.confirm = again.confirm;
  before.confirm_timeout = again.confirm_timeout;
  return renamed(again) == before;
}

}  // namespace loam::console
