#include "answers.hpp"

#include <algorithm>
#include <array>
#include <format>
#include <optional>

#include "base/node_name.hpp"
#include "base/text.hpp"
#include "cluster/invitation.hpp"
#include "model/describe.hpp"
#include "model/parse.hpp"

namespace loam::console {

namespace {

constexpr std::string_view nic_prefix = "nic:";

const DiskFacts* disk_of(const MachineFacts& machine, const std::string& id) {
  const auto found = std::ranges::find(machine.disks, id, &DiskFacts::id);
  return found == machine.disks.end() ? nullptr : &*found;
}

// As it is called already; else as it would be without a name in loam.yaml. Two machines are never offered the same.
std::string name_of(const MachineFacts& machine) {
  if (!machine.hostname.empty() && model::Hostname::parse(machine.hostname)) return machine.hostname;
  std::vector<std::string> macs;
  macs.reserve(machine.nics.size());
  for (const auto& nic : machine.nics) macs.push_back(nic.mac);
  return name_by_macs(macs);
}

// Words between blanks or commas.
std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  for (const char letter : text + " ") {
    if (letter != ' ' && letter != ',') {
      word += letter;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, {}));
    }
  }
  return words;
}

// From the path of a key to the field that it is typed into.
struct Place {
  std::string_view path;
  std::string_view field;
};
constexpr std::array<Place, 22> places = {{
    {"network.interfaces[0].addresses", "address"},
    {"network.interfaces[0].gateway", "gateway"},
    {"network.interfaces[0]", "method"},
    {"network.bonds", "bond"},
    {"network.vlans", "vlan"},
    {"network.nics", "bond"},
    {"network.dns.servers", "dns"},
    {"network.dns.search", "search"},
    {"network", "bond"},
    {"install", "disk"},
    {"storage", "data"},
    {"cluster.name", "cluster_name"},
    {"cluster.vip", "vip"},
    {"cluster.join_string", "join_string"},
    {"cluster.join", "join"},
    {"cluster", "cluster"},
    {"hostname", "hostname"},
    {"time.zone", "zone"},
    {"time", "ntp"},
    {"proxy.https", "https_proxy"},
    {"proxy", "http_proxy"},
    {"access", "ssh_key"},
}};

std::string field_of(const std::string& path) {
  const auto* const found =
      std::ranges::find_if(places, [&](const Place& place) { return path.starts_with(place.path); });
  return found == places.end() ? "" : std::string(found->field);
}

class Builder {
 public:
  Builder(const Answers& answers, const MachineFacts& machine, const Brought* brought)
      : answers_(&answers), machine_(&machine), brought_(brought) {}

  Meaning build(const std::string& password_hash) {
    if (brought_ != nullptr) meaning_.config = brought_->config;
    if (!keeps(Part::network)) network();
    if (!keeps(Part::disk)) install();
    if (!keeps(Part::data)) storage();
    if (!keeps(Part::cluster)) cluster();
    if (keeps(Part::node)) {
      if (!meaning_.config.hostname) take_hostname();
    } else {
      node();
    }
    if (!keeps(Part::access)) access(password_hash);
    meaning_.config.keyboard.reset();
    if (!is("keyboard", "us")) take("keyboard", meaning_.config.keyboard);
    for (const auto& problem : model::validate(meaning_.config)) report(field_of(problem.path), problem.text);
    return std::move(meaning_);
  }

 private:
  std::string typed(std::string_view name) const { return std::string(trim(answer(*answers_, name))); }
  bool is(std::string_view name, std::string_view value) const { return typed(name) == value; }

  // One sentence a field: the first says what to do.
  void report(std::string field, std::string text) {
    if (std::ranges::find(meaning_.problems, field, &FieldProblem::field) == meaning_.problems.end())
      meaning_.problems.push_back({std::move(field), std::move(text)});
  }

  bool keeps(Part part) const { return brought_ != nullptr && brought_->keeps(part); }

  template <typename T>
  std::optional<T> parsed(std::string_view field, const std::string& text) {
    auto value = T::parse(text);
    if (value) return *std::move(value);
    report(std::string(field), value.error().text());
    return std::nullopt;
  }

  template <typename T>
  void take(std::string_view field, std::optional<T>& to) {
    if (const auto text = typed(field); !text.empty()) to = parsed<T>(field, text);
  }

  template <typename T>
  void take_all(std::string_view field, std::vector<T>& to) {
    for (const auto& word : words_of(typed(field)))
      if (auto value = parsed<T>(field, word)) to.push_back(*std::move(value));
  }

  std::optional<std::int64_t> whole(std::string_view field) {
    const auto text = typed(field);
    if (text.empty()) return std::nullopt;
    const bool digits = text.size() < 8 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
    if (digits) return static_cast<std::int64_t>(leading_number(text));
    report(std::string(field), std::format("\"{}\" is no number", text));
    return std::nullopt;
  }

  model::LinkName link_name(const std::string& name) {
    auto parsed_name = model::LinkName::parse(name);
    return parsed_name ? *std::move(parsed_name) : model::LinkName();
  }

  // The name of what the address is on.
  model::LinkName links() {
    auto& network = meaning_.config.network;
    for (const auto& nic : machine_->nics) {
      if (typed(std::string(nic_prefix) + nic.mac).empty()) continue;
      model::NicSelector match;
      match.mac = parsed<model::MacAddress>("bond", nic.mac);
      network.nics.push_back({.name = link_name(std::format("nic{}", network.nics.size())), .match = match, .mtu = {}});
    }
    if (network.nics.empty()) report("bond", "no network card is chosen: mark those that the node is to use");
    auto top = link_name("nic0");
    const auto mtu = whole("mtu");
    if (mtu && (*mtu < model::mtu_doc.min || *mtu > model::mtu_doc.max))
      report("mtu", std::format("an MTU is a number from {} to {}", model::mtu_doc.min, model::mtu_doc.max));
    if (!is("bond", "none")) {
      network.bonds.push_back(bond_of(network.nics));
      network.bonds.back().mtu = mtu;
      top = network.bonds.back().name;
    } else if (network.nics.size() > 1) {
      report("bond", "more than one card is chosen: they need a bond, or choose one of them");
    } else if (!network.nics.empty()) {
      network.nics.front().mtu = mtu;
    }
    if (const auto id = whole("vlan")) {
      model::Vlan vlan{.name = link_name(std::format("vlan{}", *id)), .parent = top, .id = *id, .mtu = mtu};
      if (*id < 1 || *id > 4094) report("vlan", "a VLAN is a number from 1 to 4094");
      top = vlan.name;
      network.vlans.push_back(std::move(vlan));
    }
    return top;
  }

  // What no page asks for stays where there is one of its kind.
  const model::Network* before() const { return brought_ == nullptr ? nullptr : &brought_->config.network; }
  model::Bond bond_of(const std::vector<model::Nic>& nics) {
    const auto& names = model::EnumNames<model::BondMode>::names;
    const auto* const found = std::ranges::find(names, typed("bond"));
    const auto mode =
        found == names.end() ? model::BondMode::lacp : static_cast<model::BondMode>(found - names.begin());
    model::Bond bond;
    if (before() != nullptr && before()->bonds.size() == 1 && before()->bonds.front().mode == mode)
      bond = before()->bonds.front();
    bond.name = link_name("bond0");
    bond.mode = mode;
    bond.select.reset();
    bond.primary.reset();  // of names that are others now
    bond.members.clear();
    for (const auto& nic : nics) bond.members.push_back(nic.name);
    bond.min_links = std::min(bond.min_links, std::max<std::int64_t>(1, std::ssize(bond.members)));
    return bond;
  }
  model::Interface interface_before() const {
    using enum model::Role;
    model::Interface interface;
    interface.roles = {management, cluster_role(), storage_public, storage_cluster};
    if (before() == nullptr || before()->interfaces.size() != 1) return interface;
    const auto& kept = before()->interfaces.front();
    interface.roles = kept.roles;
    interface.ipv6 = kept.ipv6;
    interface.routes = kept.routes;
    interface.rules = kept.rules;
    return interface;
  }

  void network() {
    auto& network = meaning_.config.network;
    auto interface = interface_before();
    network = {.nics = {},
               .bonds = {},
               .vlans = {},
               .bridges = {},
               .interfaces = {},
               .dns = network.dns,
               .firewall = network.firewall,
               .confirm = network.confirm,
               .confirm_timeout = network.confirm_timeout};
    interface.link = links();
    if (is("method", "dhcp")) {
      interface.dhcp4 = true;
    } else {
      if (typed("address").empty())
        report("address", "an address with its prefix is needed, such as 192.0.2.10/24");
      else if (auto address = parsed<model::IpPrefix>("address", typed("address")))
        interface.addresses.push_back(*std::move(address));
      const auto gateway = typed("gateway");
      if (!gateway.empty())
        (gateway.contains(':') ? interface.gateway6 : interface.gateway) = parsed<model::IpAddress>("gateway", gateway);
    }
    network.interfaces.push_back(std::move(interface));
  }

  static model::Role cluster_role() { return model::Role::cluster; }

  void install() {
    const auto id = typed("disk");
    const auto* const disk = disk_of(*machine_, id);
    if (disk == nullptr) return report("disk", "choose the disk that Loam is installed on");
    if (const auto why = why_not_for_the_system(*disk); !why.empty())
      return report("disk", std::format("this one cannot be taken: {}", why));
    auto install = meaning_.config.install.value_or(model::Install());
    install.disk = {};
    install.wipe.clear();  // consent is for the disk that is named
    install.disk.id = parsed<model::DiskId>("disk", id);
    if (!install.disk.id) return;
    if (disk->cls != "blank") {
      if (typed("erase") == id)
        install.wipe.push_back(*install.disk.id);
      else
        report("erase", std::format("it is not blank: type {} to have it erased", id));
    }
    meaning_.config.install = std::move(install);
  }

  void storage() {
    auto& data = meaning_.config.storage.rules.data;
    if (is("data", "file")) return;  // as it was brought
    data.clear();
    model::DiskSelector every;
    if (is("data", "hdd")) every.rotational = true;
    if (!is("data", "none")) data.push_back(every);
  }

  void cluster() {
    if (is("cluster", "later")) return meaning_.config.cluster.reset();
    auto cluster = meaning_.config.cluster.value_or(model::Cluster());
    cluster.vip.reset();
    cluster.join.clear();
    cluster.join_string.reset();
    if (auto name = parsed<model::Hostname>("cluster_name", typed("cluster_name"))) cluster.name = *std::move(name);
    const auto& names = model::EnumNames<model::NodeRole>::names;
    const auto* const role = std::ranges::find(names, typed("role"));
    if (role != names.end()) cluster.role = static_cast<model::NodeRole>(role - names.begin());
    take("vip", cluster.vip);
    if (is("cluster", "join")) {
      take_all("join", cluster.join);
      take("join_string", cluster.join_string);
      if (const auto fits = cluster::check_join_string(cluster, 0); !fits)
        report("join_string", fits.error().message());
    }
    meaning_.config.cluster = std::move(cluster);
  }

  void take_hostname() {
    if (typed("hostname").empty()) report("hostname", "the node needs a name, such as node-1");
    take("hostname", meaning_.config.hostname);
  }

  void node() {
    auto& config = meaning_.config;
    config.network.dns = {};
    config.time = {};
    config.proxy = {};
    take_hostname();
    take_all("dns", config.network.dns.servers);
    take_all("search", config.network.dns.search);
    take_all("ntp", config.time.servers);
    if (const auto zone = typed("zone"); !zone.empty())
      if (auto parsed_zone = parsed<model::TimeZone>("zone", zone)) config.time.zone = *std::move(parsed_zone);
    take("http_proxy", config.proxy.http);
    take("https_proxy", config.proxy.https);
    take_all("no_proxy", config.proxy.except);
  }

  void access(const std::string& password_hash) {
    auto& access = meaning_.config.access;
    access.console_shell = !typed("shell").empty();
    std::vector<model::SshKey> more;  // than there are fields
    constexpr std::ptrdiff_t key_fields = 3;
    if (std::ssize(access.ssh_keys) > key_fields)
      more.assign(access.ssh_keys.begin() + key_fields, access.ssh_keys.end());
    access.ssh_keys.clear();
    for (const auto* const field : {"ssh_key", "ssh_key_2", "ssh_key_3"}) {
      std::optional<model::SshKey> key;
      take(field, key);
      if (key) access.ssh_keys.push_back(*std::move(key));
    }
    access.ssh_keys.insert(access.ssh_keys.end(), more.begin(), more.end());
    access.console_password_hash.reset();
    if (answer(*answers_, "password") != answer(*answers_, "password_again"))
      report("password_again", "the two are not the same");
    if (!password_hash.empty()) access.console_password_hash = parsed<model::PasswordHash>("password", password_hash);
    if (access.ssh_keys.empty() && answer(*answers_, "password").empty() && password_hash.empty())
      report("ssh_key", "without a key or a password nobody could do anything on this node");
  }

  const Answers* answers_;
  const MachineFacts* machine_;
  const Brought* brought_;
  Meaning meaning_;
};

}  // namespace

std::string answer(const Answers& answers, std::string_view name) {
  const auto found = answers.find(name);
  return found == answers.end() ? "" : found->second;
}

Answers first_answers(const MachineFacts& machine) {
  Answers answers = {{"method", "dhcp"},       {"data", "hdd"},           {"cluster", "create"},
                     {"cluster_name", "loam"}, {"role", "control-plane"}, {"hostname", name_of(machine)},
                     {"zone", "UTC"},          {"keyboard", "us"}};
  std::int64_t fastest = 0;
  for (const auto& nic : machine.nics)
    if (nic.carrier) fastest = std::max(fastest, nic.speed);
  int chosen = 0;
  for (const auto& nic : machine.nics) {
    const bool taken = nic.carrier && nic.speed == fastest;
    if (taken) ++chosen;
    answers[std::string(nic_prefix) + nic.mac] = taken ? "yes" : "";
  }
  answers["bond"] = chosen > 1 ? "802.3ad" : "none";
  const DiskFacts* best = nullptr;
  for (const auto& disk : machine.disks)
    if (disk.cls == "blank" && !disk.rotational && !disk.removable && (best == nullptr || disk.bytes < best->bytes))
      best = &disk;
  answers["disk"] = best == nullptr ? "" : best->id;
  return answers;
}

Meaning meaning_of(const Answers& answers, const MachineFacts& machine, const std::string& password_hash,
                   const Brought* brought) {
  return Builder(answers, machine, brought).build(password_hash);
}

}  // namespace loam::console
