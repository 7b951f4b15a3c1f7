// Rules across keys. What one key may hold is said by its type.
#include <format>
#include <map>

#include "model/parse.hpp"

namespace loam::model {

namespace {

class Validator {
 public:
  explicit Validator(const Config& config) : config_(&config) {}

  std::vector<std::string> run() && {
    links();
    members();
    interfaces();
    install();
    not_yet();
    return std::move(problems_);
  }

 private:
  void problem(std::string text) { problems_.push_back(std::move(text)); }

  void name(const LinkName& link, const std::string& path) {
    const auto [at, fresh] = links_.emplace(link.str(), path);
    if (!fresh) problem(std::format("{}: the name \"{}\" is taken by {}", path, link.str(), at->second));
  }

  void links() {
    const auto& net = config_->network;
    for (std::size_t i = 0; i < net.nics.size(); ++i) name(net.nics[i].name, std::format("network.nics[{}]", i));
    for (std::size_t i = 0; i < net.bonds.size(); ++i) name(net.bonds[i].name, std::format("network.bonds[{}]", i));
    for (std::size_t i = 0; i < net.vlans.size(); ++i) name(net.vlans[i].name, std::format("network.vlans[{}]", i));
    for (std::size_t i = 0; i < net.bridges.size(); ++i)
      name(net.bridges[i].name, std::format("network.bridges[{}]", i));
  }

  void known(const LinkName& link, const std::string& path) {
    if (!links_.contains(link.str()))
      problem(std::format("{}: there is no NIC, bond, VLAN or bridge \"{}\" in this file", path, link.str()));
  }

  // A link can be in one bond or bridge only.
  void member(const LinkName& link, const std::string& path) {
    known(link, path);
    const auto [at, fresh] = masters_.emplace(link.str(), path);
    if (!fresh) problem(std::format("{}: \"{}\" is a member of {} already", path, link.str(), at->second));
  }

  void members() {
    const auto& net = config_->network;
    for (std::size_t i = 0; i < net.bonds.size(); ++i) {
      const auto path = std::format("network.bonds[{}].members", i);
      if (net.bonds[i].members.empty()) problem(path + ": a bond needs at least one member");
      for (const auto& link : net.bonds[i].members) member(link, path);
    }
    for (std::size_t i = 0; i < net.bridges.size(); ++i)
      for (const auto& link : net.bridges[i].members) member(link, std::format("network.bridges[{}].members", i));
    for (std::size_t i = 0; i < net.vlans.size(); ++i)
      known(net.vlans[i].parent, std::format("network.vlans[{}].parent", i));
  }

  void interfaces() {
    std::map<std::string, std::string> addresses;
    std::map<std::string, std::string> configured;
    const auto& list = config_->network.interfaces;
    for (std::size_t i = 0; i < list.size(); ++i) {
      const auto path = std::format("network.interfaces[{}]", i);
      known(list[i].link, path + ".link");
      if (const auto [at, fresh] = configured.emplace(list[i].link.str(), path); !fresh)
        problem(std::format("{}: \"{}\" is configured by {} already", path, list[i].link.str(), at->second));
      for (const auto& address : list[i].addresses)
        if (const auto [at, fresh] = addresses.emplace(address.str().substr(0, address.str().find('/')), path); !fresh)
          problem(std::format("{}: the address {} stands in {} already", path, address.str(), at->second));
    }
  }

  void install() {
    if (config_->install && config_->install->disk == DiskSelector{})
      problem("install.disk: says nothing about the disk; name its id, serial, model, bus or size");
  }

  // Accepted and ignored would be worse: a disk that was to be encrypted would lie there in the clear.
  void not_yet() {
    if (config_->install && config_->install->encryption != Encryption::none)
      problem("install.encryption: only \"none\" can be installed by this release");
    if (config_->install && config_->install->mirror)
      problem("install.mirror: cannot be installed by this release; leave it out");
    for (std::size_t i = 0; i < config_->network.nics.size(); ++i) {
      const auto& match = config_->network.nics[i].match;
      if (!match.mac && !match.pci && !match.driver)
        problem(std::format("network.nics[{}].match: needs mac, pci or driver in this release", i));
    }
  }

  const Config* config_;
  std::vector<std::string> problems_;
  std::map<std::string, std::string> links_;
  std::map<std::string, std::string> masters_;
};

}  // namespace

std::vector<std::string> validate(const Config& config) { return Validator(config).run(); }

}  // namespace loam::model
