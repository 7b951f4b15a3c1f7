#include "config_source.hpp"

#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <format>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/text.hpp"
#include "model/yaml_node.hpp"
#include "netcfg/hostname.hpp"
#include "netcfg/links.hpp"
#include "sys/udev.hpp"

namespace loam::node {

namespace fs = std::filesystem;

namespace {

// Of this program alone: loamd and loamctl may look at sticks at the same time.
const std::string& mount_point() {
  static const std::string path = std::format("/run/loam/config.{}", ::getpid());
  return path;
}

constexpr std::size_t bundle_limit = std::size_t{256} << 20U;
// A little more than the parser takes, so that it is the parser that says "too large".
constexpr std::size_t read_limit = model::max_document_bytes + 65536;

struct Unmount {
  ~Unmount() {
    ::umount2(mount_point().c_str(), MNT_DETACH);
    ::rmdir(mount_point().c_str());
  }
};

Result<std::optional<ConfigText>> read_capped(const fs::path& path, std::string name) {
  auto text = read_if_there(path, read_limit);
  if (!text) return fail(std::format("{}: {}", name, text.error().message()), "put a readable loam.yaml there");
  if (!*text) return std::optional<ConfigText>{};
  return ConfigText{**std::move(text), std::move(name)};
}

Result<std::optional<ConfigText>> read_volume(const sys::BlockDevice& device) {
  const auto type = device.property("ID_FS_TYPE");
  const auto label = device.property("ID_FS_LABEL");
  std::error_code made;
  fs::create_directories(mount_point(), made);
  if (made) return fail_errno(mount_point(), made.value());
  constexpr unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW;
  // A journal is not replayed: a volume that we only read stays as it is.
  const auto* const options = type.starts_with("ext") ? "noload" : "";
  if (::mount(device.node().c_str(), mount_point().c_str(), type.c_str(), flags, options) != 0)
    return std::unexpected(Error::from_errno(std::format("volume {} on {}", label, device.node()))
                               .remedy("its file system must be FAT, ext4 or ISO 9660"));
  const Unmount after;
  return read_capped(fs::path(mount_point()) / "loam.yaml", std::format("{}:loam.yaml", label));
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

// As DHCP gave it; else the one that the node would get.
std::string host_name() {
  std::array<char, 256> name{};
  const bool known = ::gethostname(name.data(), name.size() - 1) == 0;
  if (known && std::string_view(name.data()) != "loam") return name.data();
  return netcfg::fallback_hostname(netcfg::observe_links().value_or(std::vector<netcfg::Link>{}));
}

// RFC 3986: what is filled in stays one piece of the URL, whatever a manufacturer wrote there.
std::string percent_encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = std::isalnum(byte) != 0 || std::string_view("-._~:").contains(c);
    encoded += plain ? std::string(1, c) : std::format("%{:02X}", byte);
  }
  return encoded;
}

void fill_in(std::string& url, std::string_view what, std::string_view with) {
  const auto value = percent_encoded(with);
  for (auto at = url.find(what); at != url.npos; at = url.find(what, at + value.size()))
    url.replace(at, what.size(), value);
}

// Never an installed node's own partition, whatever its label.
bool may_hold_config(const sys::BlockDevice& device) {
  const bool ours = device.property("ID_PART_ENTRY_TYPE").starts_with("6c6f616d-");
  return !ours && config_label(device.property("ID_FS_LABEL")) && readable(device.property("ID_FS_TYPE"));
}

Result<std::optional<ConfigText>> find_on_volumes() {
  LOAM_TRY(const auto devices, sys::block_devices());
  std::optional<ConfigText> found;
  std::string found_on;
  Result<std::optional<ConfigText>> problem;  // of a volume that cannot be read; one that can goes before it
  for (const auto& device : devices) {
    if (!may_hold_config(device)) continue;
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
  if (const char* const directory = std::getenv("CREDENTIALS_DIRECTORY")) {
    LOAM_TRY(auto credential, read_capped(fs::path(directory) / "loam.config", "credential loam.config"));
    if (credential) return credential;
  }
  return find_on_volumes();
}

namespace {

// What is done on the one volume that may be written to; where that was, for people.
template <typename Deed>
Result<std::string> on_volume(Deed deed) {
  LOAM_TRY(auto devices, sys::block_devices());
  std::erase_if(devices, [](const auto& device) {
    return !may_hold_config(device) || device.property("ID_FS_TYPE") == "iso9660";
  });
  if (devices.size() != 1)
    return fail(std::format("{} volumes are labelled LOAM and can be written to; one is needed", devices.size()),
                "mkfs.vfat -n LOAM on another machine makes one; plug it in and save again");
  const auto& device = devices.front();
  std::error_code made;
  fs::create_directories(mount_point(), made);
  if (made) return fail_errno(mount_point(), made.value());
  constexpr unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW;
  if (::mount(device.node().c_str(), mount_point().c_str(), device.property("ID_FS_TYPE").c_str(), flags, "") != 0)
    return std::unexpected(Error::from_errno(device.node()).remedy("is it write-protected?"));
  const Unmount after;
  LOAM_CHECK(deed(fs::path(mount_point())));
  return std::format("{} ({})", device.property("ID_FS_LABEL"), device.node());
}

}  // namespace

Result<std::string> save_config(const std::string& text) {
  LOAM_TRY(const auto where,
           on_volume([&](const fs::path& volume) { return write_file_atomic(volume / "loam.yaml", text, 0600); }));
  return "saved as loam.yaml on " + where;
}

Result<std::string> copy_to_volume(const fs::path& file) {
  LOAM_TRY(const auto content, read_file(file, bundle_limit));
  LOAM_TRY(const auto where, on_volume([&](const fs::path& volume) {
             return write_file_atomic(volume / file.filename(), content, 0600);
           }));
  return std::format("copied to {} as {}", where, file.filename().string());
}

Result<std::string> config_url() {
  LOAM_TRY(const auto cmdline, read_file("/proc/cmdline", 65536));
  std::string url;
  for (const auto word : split(cmdline, ' '))
    if (trim(word).starts_with("loam.config=")) url = trim(word).substr(std::string_view("loam.config=").size());
  if (url.empty()) return url;
  fill_in(url, "${mac}", first_mac());
  fill_in(url, "${serial}", smbios("product_serial"));
  fill_in(url, "${uuid}", smbios("product_uuid"));
  fill_in(url, "${hostname}", host_name());
  if (!url.starts_with("http://") && !url.starts_with("https://"))
    return fail(std::format("loam.config={} is no http or https URL", printable(without_userinfo(url))),
                "correct the kernel argument");
  return url;
}

// Its URL may have a password, and everybody may read what a program was called with.
Result<std::vector<std::string>> fetch_argv(const std::string& url, std::string_view who) {
  std::string quoted;
  for (const char c : url) quoted += c == '"' || c == '\\' ? std::string{'\\', c} : std::string(1, c);
  const auto file = std::format("/run/loam/fetch-{}", who);
  LOAM_CHECK(write_file_atomic(file, std::format("url = \"{}\"\n", quoted), 0600));
  return std::vector<std::string>{"curl",         "--silent",  "--show-error",      "--fail",
                                  "--location",   "--globoff", "--proto",           "=http,https",
                                  "--max-redirs", "5",         "--connect-timeout", "10",
                                  "--max-time",   "60",        "--max-filesize",    std::to_string(read_limit),
                                  "--config",     file};
}

}  // namespace loam::node
