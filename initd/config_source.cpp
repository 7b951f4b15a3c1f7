#include "config_source.hpp"

#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <format>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/text.hpp"
#include "model/yaml_node.hpp"
#include "netcfg/links.hpp"
#include "sys/udev.hpp"

namespace loam::node {

namespace fs = std::filesystem;

namespace {

constexpr const char* mount_point = "/run/loam/config";
// A little more than the parser takes, so that it is the parser that says "too large".
constexpr std::size_t read_limit = model::max_document_bytes + 65536;

struct Unmount {
  ~Unmount() { ::umount2(mount_point, MNT_DETACH); }
};

Result<ConfigText> read_capped(const fs::path& path, std::string name) {
  auto text = read_file(path, read_limit);
  if (text) return ConfigText{*std::move(text), std::move(name)};
  return std::unexpected(Error(std::format("{}: {}", name, text.error().message()), "put a readable loam.yaml there"));
}

Result<std::optional<ConfigText>> read_volume(const sys::BlockDevice& device) {
  const auto type = device.property("ID_FS_TYPE");
  const auto label = device.property("ID_FS_LABEL");
  fs::create_directories(mount_point);
  constexpr unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
  // A journal is not replayed: a volume that we only read stays as it is.
  const auto* const options = type.starts_with("ext") ? "noload" : "";
  if (::mount(device.node().c_str(), mount_point, type.c_str(), flags, options) != 0)
    return std::unexpected(Error::from_errno(std::format("volume {} on {}", label, device.node()))
                               .remedy("its file system must be FAT, ext4 or ISO 9660"));
  const Unmount after;
  const auto path = fs::path(mount_point) / "loam.yaml";
  if (!fs::exists(path)) return std::optional<ConfigText>{};
  LOAM_TRY(auto text, read_capped(path, "loam.yaml"));
  text.name = std::format("{}:loam.yaml", label);
  return std::optional(std::move(text));
}

bool config_label(std::string label) {
  std::ranges::transform(label, label.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return label == "LOAM" || label == "CIDATA";
}

// What else has such a label, as an encrypted or a RAID volume, is nothing that could hold a loam.yaml.
bool readable(const std::string& type) {
  return type == "vfat" || type == "iso9660" || type == "ext2" || type == "ext3" || type == "ext4";
}

std::string smbios(const char* name) {
  const auto text = read_file(fs::path("/sys/class/dmi/id") / name, 4096);
  return text ? std::string(trim(*text)) : "";
}

std::string first_mac() {
  const auto links = netcfg::observe_links();
  if (!links) return "";
  const auto nic = std::ranges::find(*links, "nic", &netcfg::Link::kind);
  return nic == links->end() ? "" : nic->mac;
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

void replace_all(std::string& text, std::string_view what, const std::string& with) {
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

Result<std::optional<ConfigText>> find_on_volumes() {
  LOAM_TRY(const auto devices, sys::block_devices());
  std::optional<ConfigText> found;
  std::string found_on;
  Result<std::optional<ConfigText>> problem;  // of a volume that cannot be read; one that can goes before it
  for (const auto& device : devices) {
    // Never an installed node's own partition, whatever its label.
    const bool ours = device.property("ID_PART_ENTRY_TYPE").starts_with("6c6f616d-");
    if (ours || !config_label(device.property("ID_FS_LABEL")) || !readable(device.property("ID_FS_TYPE"))) continue;
    auto read = read_volume(device);
    if (!read) {
      problem = std::move(read);
      continue;
    }
    auto text = *std::move(read);
    if (!text) continue;
    if (found && found->text != text->text)
      return fail(std::format("two volumes hold different configurations: {} and {}", found_on, device.node()),
                  "leave only one of them in the machine");
    found = std::move(text);
    found_on = device.node();
  }
  if (!found && !problem) return problem;
  return found;
}

}  // namespace

Result<std::optional<ConfigText>> find_local_config() {
  const fs::path credential = "/run/credentials/@system/loam.config";
  if (fs::exists(credential)) {
    LOAM_TRY(auto text, read_capped(credential, "credential loam.config"));
    return std::optional(std::move(text));
  }
  return find_on_volumes();
}

Result<std::string> config_url() {
  LOAM_TRY(const auto cmdline, read_file("/proc/cmdline", 65536));
  std::string url;
  for (const auto word : split(cmdline, ' '))
    if (trim(word).starts_with("loam.config=")) url = trim(word).substr(std::string_view("loam.config=").size());
  if (url.empty()) return url;
  replace_all(url, "${mac}", first_mac());
  replace_all(url, "${serial}", smbios("product_serial"));
  replace_all(url, "${uuid}", smbios("product_uuid"));
  replace_all(url, "${hostname}", host_name());
  if (!url.starts_with("http://") && !url.starts_with("https://"))
    return fail(std::format("loam.config={} is no http or https URL", printable(url)), "correct the kernel argument");
  return url;
}

std::vector<std::string> fetch_argv(const std::string& url) {
  return {"curl",
          "--silent",
          "--show-error",
          "--fail",
          "--location",
          "--proto",
          "=http,https",
          "--max-redirs",
          "5",
          "--connect-timeout",
          "10",
          "--max-time",
          "60",
          "--max-filesize",
          std::to_string(read_limit),
          "--",
          url};
}

}  // namespace loam::node
