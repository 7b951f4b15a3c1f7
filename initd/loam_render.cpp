// loam-render ROOT: writes what PID 1 and udev read early, from ROOT/loam/loam.yaml. No D-Bus, no network.
// A file that cannot be used falls back to the last one that was applied, and that to the defaults.
#include <filesystem>
#include <format>
#include <iostream>

#include "base/file.hpp"
#include "base/guard.hpp"
#include "base/text.hpp"
#include "model/parse.hpp"
#include "netcfg/networkd.hpp"
#include "plan/node_files.hpp"

namespace {

using namespace loam;
namespace fs = std::filesystem;

Result<model::Config> read_config(const fs::path& path) {
  LOAM_TRY(const auto text, read_file(path, std::size_t{2} << 20U));
  return model::parse_config(text, path.string());
}

model::Config usable_config(const fs::path& root) {
  for (const auto* const name : {"loam/loam.yaml", "loam/loam.yaml.applied"}) {
    const auto path = root / name;
    if (!fs::exists(path)) continue;
    auto config = read_config(path);
    if (config) return *std::move(config);
    std::cerr << config.error().text() << '\n';
  }
  return {};
}

// loam- and the end of the first MAC address: the same at each boot of the same machine.
std::string fallback_hostname() {
  std::string first;
  std::error_code none;
  for (const auto& link : fs::directory_iterator("/sys/class/net", none)) {
    if (!fs::exists(link.path() / "device")) continue;
    auto address = read_file(link.path() / "address", 64);
    if (address && (first.empty() || *address < first)) first = *std::move(address);
  }
  std::erase_if(first, [](char c) { return c == ':' || c == '\n'; });
  return first.size() == 12 ? "loam-" + first.substr(6) : "loam";
}

Result<void> render(const fs::path& root) {
  const auto config = usable_config(root);
  auto files = plan::render_node_files(config, fallback_hostname());
  for (auto& file : netcfg::render_network(config.network)) files.push_back(std::move(file));
  for (const auto& file : files)
    LOAM_CHECK(write_file_atomic(root / fs::path(file.path).relative_path(), file.content, file.mode));
  std::error_code problem;
  fs::remove(root / "etc/localtime", problem);
  fs::create_symlink("../usr/share/zoneinfo/" + config.time.zone.str(), root / "etc/localtime", problem);
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
