// loam-render ROOT: writes what PID 1 and udev read early, from ROOT/loam/loam.yaml. No D-Bus, no network.
// A file that cannot be used falls back to the last one whose network was confirmed, and that to the defaults.
#include <filesystem>
#include <format>
#include <iostream>

#include "base/file.hpp"
#include "base/guard.hpp"
#include "base/text.hpp"
#include "model/parse.hpp"
#include "netcfg/firewall.hpp"
#include "netcfg/hostname.hpp"
#include "netcfg/networkd.hpp"
#include "netcfg/pins.hpp"
#include "network_trial.hpp"
#include "plan/node_files.hpp"

namespace {

using namespace loam;
namespace fs = std::filesystem;

Result<model::Config> read_config(const fs::path& path) {
  LOAM_TRY(const auto text, read_file(path, std::size_t{2} << 20U));
  return model::parse_config(text, path.string());
}

model::Config usable_config(const fs::path& root) {
  for (const auto* const name : {"loam/loam.yaml", "loam/loam.yaml.confirmed"}) {
    const auto path = root / name;
    std::error_code none;
    if (!fs::exists(path, none)) continue;
    auto config = read_config(path);
    if (config) return *std::move(config);
    std::cerr << config.error().text() << '\n';
  }
  return {};
}

// NICs have no drivers in the initrd: loamd makes the name from them, and keeps it for this.
Result<std::string> fallback_hostname(const fs::path& root) {
  LOAM_TRY(const auto kept, read_if_there(root / fs::path(netcfg::hostname_path).relative_path(), 256));
  return kept ? std::string(trim(*kept)) : "loam";
}

std::string zone_of(const model::Config& config, const fs::path& root) {
  std::error_code none;
  auto zone = config.time.zone.str();
  if (fs::is_regular_file(root / "usr/share/zoneinfo" / zone, none)) return zone;
  std::cerr << "time.zone: this release has no time zone \"" << zone << "\"; UTC is used\n";
  return "UTC";
}

// A change of the network that was on trial when the node went down, with or without power: back to what worked.
void end_trial(const fs::path& root) {
  const node::NetworkTrial files(root);
  const auto trial = files.current();
  auto done = trial ? Result<void>{} : std::unexpected(trial.error());
  if (trial && *trial) done = files.take_back("the node restarted before the change was confirmed");
  if (!done) std::cerr << done.error().text() << '\n';
}

Result<netcfg::Pins> known_pins(const fs::path& root) {
  LOAM_TRY(const auto text, read_if_there(root / fs::path(netcfg::pins_path).relative_path(), 1U << 20U));
  return text ? netcfg::parse_pins(*text) : netcfg::Pins{};
}

Result<void> render(const fs::path& root) {
  end_trial(root);
  auto config = usable_config(root);
  const auto pins = known_pins(root);
  if (!pins) std::cerr << pins.error().text() << '\n';
  LOAM_TRY(const auto name, fallback_hostname(root));
  config.network = netcfg::pinned_network(config.network, pins.value_or(netcfg::Pins{}));
  auto files = plan::render_node_files(config, name);
  for (auto& file : netcfg::render_network(config.network)) files.push_back(std::move(file));
  files.push_back(netcfg::render_firewall(config));
  for (const auto& file : files)
    LOAM_CHECK(write_file_atomic(root / fs::path(file.path).relative_path(), file.content, file.mode));
  std::error_code problem;
  fs::remove(root / "etc/localtime", problem);
  fs::create_symlink("../usr/share/zoneinfo/" + zone_of(config, root), root / "etc/localtime", problem);
  if (problem) return fail_errno("/etc/localtime", problem.value());
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: loam-render ROOT\n";
    return 2;
  }
  return loam::guard("loam-render", [&] {
    const auto done = render(argv[1]);
    if (!done) std::cerr << "loam-render: " << done.error().text() << '\n';
    return done ? 0 : 1;
  });
}
