#include "support.hpp"

#include <unistd.h>

#include <array>
#include <filesystem>
#include <format>
#include <iostream>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/file.hpp"
#include "base/text.hpp"
#include "config_source.hpp"
#include "model/parse.hpp"
#include "sys/subprocess.hpp"

namespace loam::node {

namespace fs = std::filesystem;

namespace {

struct Item {
  std::string_view file;
  std::vector<std::string> argv;
};

const std::vector<Item>& items() {
  static const std::vector<Item> list = {
      {"status.json", {"loamctl", "--json", "status"}},
      {"disks.json", {"loamctl", "--json", "disks"}},
      {"links.json", {"loamctl", "--json", "links"}},
      {"slots.json", {"loamctl", "--json", "slots"}},
      {"journal.txt", {"journalctl", "--no-pager", "-b", "-n", "20000", "-o", "short-iso"}},
      {"kernel.txt", {"journalctl", "--no-pager", "-k", "-b"}},
      {"units.txt", {"systemctl", "--no-pager", "--all", "list-units"}},
      {"failed.txt", {"systemctl", "--no-pager", "--failed"}},
      {"networkctl.txt", {"networkctl", "--no-pager", "status", "--all"}},
      {"addresses.txt", {"ip", "address"}},
      {"routes.txt", {"ip", "route", "show", "table", "all"}},
      {"firewall.txt", {"nft", "list", "ruleset"}},
      {"blocks.txt", {"lsblk", "-O", "-J"}},
      {"pci.txt", {"lspci", "-nn"}},
      {"mounts.txt", {"findmnt"}},
      {"firmware-boot.txt", {"efibootmgr", "-v"}},
  };
  return list;
}

// One that fails is part of the picture, not the end of it.
Result<void> collect(const Item& item, const fs::path& folder) {
  auto ran = sys::run(item.argv, {.timeout = std::chrono::seconds(60), .input = {}, .environment = {}});
  return write_file_atomic(folder / item.file, ran ? ran->out + ran->err : "failed: " + ran.error().text() + "\n",
                           0600);
}

Result<void> collect_config(const fs::path& folder) {
  const auto text = read_file("/loam/loam.yaml", std::size_t{2} << 20U);
  auto config = text ? model::parse_config(*text, "loam.yaml") : Result<model::Config>(std::unexpected(text.error()));
  if (!config)
    return write_file_atomic(folder / "loam.yaml", "# not readable: " + printable(config.error().text()) + "\n", 0600);
  config->access = {};
  config->proxy = {};  // a proxy's URL can hold a password
  if (config->cluster) config->cluster->join_string.reset();
  return write_file_atomic(folder / "loam.yaml",
                           "# without access, proxy and join string\n" + model::format_config(*config), 0600);
}

}  // namespace

Result<void> write_support_bundle(bool as_json, bool stick) {
  const fs::path folder = "/var/lib/loam/support";
  fs::remove_all(folder);
  for (const auto& item : items()) {
    std::cerr << "collecting " << item.file << '\n';
    LOAM_CHECK(collect(item, folder));
  }
  LOAM_CHECK(collect_config(folder));
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  const auto bundle = std::format("/var/lib/loam/support-{}.tar.gz", printable(host.data(), 64));
  LOAM_CHECK(sys::run({"tar", "-C", "/var/lib/loam", "-czf", bundle, "support"},
                      {.timeout = std::chrono::minutes(5), .input = {}, .environment = {}}));
  fs::permissions(bundle, fs::perms::owner_read | fs::perms::owner_write);
  fs::remove_all(folder);
  const auto copied = stick ? copy_to_volume(bundle) : Result<std::string>("");
  const auto said = copied ? *copied : copied.error().text();
  if (as_json)
    std::cout << nlohmann::json{{"bundle", bundle}, {"stick", said}}.dump(2) << '\n';
  else
    std::cout << bundle << (said.empty() ? "" : "; " + said) << '\n';
  return {};
}

}  // namespace loam::node
