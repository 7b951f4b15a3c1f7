#include "netcfg/links.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <format>
#include <map>
#include <memory>
#include <numeric>

#include "base/file.hpp"
#include "base/text.hpp"

namespace loam::netcfg {

namespace fs = std::filesystem;

namespace {

std::string attribute(const fs::path& link, const char* name) {
  const auto text = read_file(link / name, 4096);  // some fail while the link is down: that is "unknown"
  return text ? std::string(trim(*text)) : "";
}

std::int64_t number(const std::string& text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return std::max<std::int64_t>(value, 0);
}

std::string target_name(const fs::path& symlink) {
  std::error_code none;
  return fs::read_symlink(symlink, none).filename().string();
}

std::string kind_of(const fs::path& link) {
  if (fs::exists(link / "bonding")) return "bond";
  if (fs::exists(link / "bridge")) return "bridge";
  if (fs::exists(fs::path("/proc/net/vlan") / link.filename())) return "vlan";
  return fs::exists(link / "device") ? "nic" : "other";
}

int prefix_length(const sockaddr* mask) {
  if (mask == nullptr) return 0;
  const bool v4 = mask->sa_family == AF_INET;
  std::array<unsigned char, 16> bytes{};
  const std::size_t size = v4 ? 4 : 16;
  const std::size_t offset = v4 ? offsetof(sockaddr_in, sin_addr) : offsetof(sockaddr_in6, sin6_addr);
  std::memcpy(bytes.data(), reinterpret_cast<const char*>(mask) + offset, size);
  return std::accumulate(bytes.begin(), bytes.end(), 0,
                         [](int bits, unsigned char byte) { return bits + std::popcount(byte); });
}

std::string address_text(const ifaddrs& entry) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = entry.ifa_addr->sa_family;
  const std::size_t offset = family == AF_INET ? offsetof(sockaddr_in, sin_addr) : offsetof(sockaddr_in6, sin6_addr);
  ::inet_ntop(family, reinterpret_cast<const char*>(entry.ifa_addr) + offset, text.data(), text.size());
  return std::format("{}/{}", text.data(), prefix_length(entry.ifa_netmask));
}

Result<std::map<std::string, std::vector<std::string>>> addresses() {
  ifaddrs* raw = nullptr;
  if (::getifaddrs(&raw) != 0) return fail_errno("getifaddrs");
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> list(raw, &::freeifaddrs);
  std::map<std::string, std::vector<std::string>> found;
  for (const auto* entry = raw; entry != nullptr; entry = entry->ifa_next)
    if (entry->ifa_addr != nullptr && (entry->ifa_addr->sa_family == AF_INET || entry->ifa_addr->sa_family == AF_INET6))
      found[entry->ifa_name].push_back(address_text(*entry));
  return found;
}

}  // namespace

Result<std::vector<Link>> observe_links() {
  LOAM_TRY(auto by_link, addresses());
  std::vector<Link> links;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator("/sys/class/net", problem)) {
    const auto& path = entry.path();
    const auto name = path.filename().string();
    if (name == "lo" || !fs::is_directory(path)) continue;
    links.push_back({.name = name,
                     .mac = attribute(path, "address"),
                     .driver = target_name(path / "device/driver"),
                     .kind = kind_of(path),
                     .master = target_name(path / "master"),
                     .carrier = attribute(path, "carrier") == "1",
                     .speed = number(attribute(path, "speed")),
                     .mtu = number(attribute(path, "mtu")),
                     .addresses = std::move(by_link[name])});
  }
  if (problem) return fail_errno("/sys/class/net", problem.value());
  std::ranges::sort(links, {}, &Link::name);
  return links;
}

}  // namespace loam::netcfg
