#include "model/validate.hpp"

#include <format>

namespace loam::model {

namespace {

void validate_install(const Install& install, Problems& problems) {
  if (install.disk == DiskSelector{})
    problems.add("install.disk", "says nothing about the disk; name its id, serial, model, bus or size");
  // Accepted and ignored would be worse: a disk that was to be encrypted would lie there in the clear.
  if (install.encryption != Encryption::none)
    problems.add("install.encryption", "only \"none\" can be installed by this release");
  if (install.mirror) problems.add("install.mirror", "cannot be installed by this release; leave it out");
}

}  // namespace

void whole_network(const IpNet& value, const std::string& path, Problems& problems) {
  if (!value.is_network())
    problems.add(path,
                 std::format("{} has bits behind its prefix; {} is the network", value.str(), value.network().str()));
}

std::vector<Problem> validate(const Config& config) {
  Problems problems;
  if (config.install) validate_install(*config.install, problems);
  validate_storage(config.storage, problems);
  validate_links(config.network, problems);
  validate_addresses(config, problems);
  validate_firewall(config.network, problems);
  return std::move(problems).take();
}

}  // namespace loam::model
