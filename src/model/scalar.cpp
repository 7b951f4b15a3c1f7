#include "model/scalar.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <format>
#include <regex>

#include "base/ip.hpp"
#include "base/text.hpp"

namespace loam::model {

namespace {

// std::regex backtracks recursively: long texts are refused before they reach it.
template <typename Kind>
bool matches(std::string_view text) {
  constexpr std::size_t regex_limit = 4096;
  if (text.size() > regex_limit) return false;
  static const std::regex compiled(Kind::pattern.begin(), Kind::pattern.end(),
                                   std::regex::ECMAScript | std::regex::nosubs);
  return std::regex_match(text.begin(), text.end(), compiled);
}

template <typename Kind>
Result<void> check_pattern(std::string_view text, std::string_view what) {
  if (matches<Kind>(text)) return {};
  return fail(std::format("expected {} such as {}, found \"{}\"", what, Kind::example, printable(text, 60)));
}

// One number or two with "-" between them, from 1 to the highest.
std::optional<std::pair<int, int>> number_range(std::string_view text, int highest) {
  std::array<int, 2> ends{};
  const auto parts = split(text, '-');
  if (parts.size() > 2) return std::nullopt;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto part = parts[i];
    const auto [end, problem] = std::from_chars(part.data(), part.data() + part.size(), ends.at(i));
    if (problem != std::errc{} || end != part.data() + part.size() || ends.at(i) < 1 || ends.at(i) > highest)
      return std::nullopt;
  }
  if (parts.size() == 1) return std::pair{ends[0], ends[0]};
  return ends[0] < ends[1] ? std::optional(std::pair{ends[0], ends[1]}) : std::nullopt;
}

}  // namespace

Result<void> HostnameKind::check(std::string_view text) {
  LOAM_CHECK(check_pattern<HostnameKind>(text, "a lower-case host name"));
  for (const auto label : split(text, '.'))
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-')
      return fail(
          std::format(R"(expected labels of 1 to 63 characters that neither start nor end with "-", found "{}")",
                      printable(text, 60)));
  return {};
}

Result<void> LinkNameKind::check(std::string_view text) {
  return check_pattern<LinkNameKind>(text, "an interface name of at most 15 characters");
}
Result<void> MacAddressKind::check(std::string_view text) {
  return check_pattern<MacAddressKind>(text, "a MAC address");
}
Result<void> UrlKind::check(std::string_view text) {
  if (matches<UrlKind>(text)) return {};
  return fail(std::format("expected a URL such as {}, found \"{}\"", example, printable(without_userinfo(text), 60)));
}
Result<void> PasswordHashKind::check(std::string_view text) {
  // The value may be a password typed by mistake: never repeat it.
  if (matches<PasswordHashKind>(text)) return {};
  return fail("expected a crypt(5) hash such as $y$j9T$..., found something else", "mkpasswd -m yescrypt makes one");
}
Result<void> DiskIdKind::check(std::string_view text) {
  LOAM_CHECK(check_pattern<DiskIdKind>(text, "a disk id"));
  static const std::regex kernel_name("(sd[a-z]+|nvme[0-9]+n[0-9]+|vd[a-z]+)[0-9p]*");
  if (std::regex_match(text.begin(), text.end(), kernel_name))
    return fail(std::format("\"{}\" is a kernel name, which can be another disk after the next boot", text),
                "give the id that loamctl disks shows");
  return {};
}
Result<void> GlobKind::check(std::string_view text) { return check_pattern<GlobKind>(text, "a pattern"); }
Result<void> KeyboardLayoutKind::check(std::string_view text) {
  return check_pattern<KeyboardLayoutKind>(text, "a keyboard layout");
}

Result<void> TimeZoneKind::check(std::string_view text) {
  return check_pattern<TimeZoneKind>(text, "a time zone name");
}
Result<void> HostOrAddressKind::check(std::string_view text) {
  return check_pattern<HostOrAddressKind>(text, "a host name or address");
}
Result<void> PciAddressKind::check(std::string_view text) {
  return check_pattern<PciAddressKind>(text, "a PCI address");
}
Result<void> JoinStringKind::check(std::string_view text) {
  return check_pattern<JoinStringKind>(text, "a join string, as loamctl cluster join-string prints it");
}
Result<void> UuidKind::check(std::string_view text) { return check_pattern<UuidKind>(text, "a UUID"); }
Result<void> LineKind::check(std::string_view text) {
  const bool control = std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (control || text.size() > 1024) return fail("expected one line of at most 1024 characters");
  return {};
}

Result<void> IpAddressKind::check(std::string_view text) {
  if (IpAddr::parse(text)) return {};
  return fail(std::format("expected an IP address such as {}, found \"{}\"", example, printable(text, 60)));
}

Result<void> IpPrefixKind::check(std::string_view text) {
  if (IpNet::parse(text)) return {};
  return fail(
      std::format("expected an address with prefix length such as {}, found \"{}\"", example, printable(text, 60)));
}

std::optional<std::pair<int, int>> vlan_range(std::string_view text) { return number_range(text, 4094); }
std::optional<std::pair<int, int>> port_range(std::string_view text) { return number_range(text, 65535); }

Result<void> VlanRangeKind::check(std::string_view text) {
  if (vlan_range(text)) return {};
  return fail(
      std::format("expected VLANs from 1 to 4094 such as {} or 20, found \"{}\"", example, printable(text, 40)));
}

Result<void> PortRangeKind::check(std::string_view text) {
  if (port_range(text)) return {};
  return fail(
      std::format("expected ports from 1 to 65535 such as 9000 or {}, found \"{}\"", example, printable(text, 40)));
}

Result<void> SshKeyKind::check(std::string_view text) {
  LOAM_CHECK(LineKind::check(text.substr(0, std::min<std::size_t>(text.size(), 1024))));
  return check_pattern<SshKeyKind>(text, "a public ssh key in one line");
}

Result<void> WindowKind::check(std::string_view text) {
  LOAM_CHECK(check_pattern<WindowKind>(text, "a window"));
  const auto times = text.substr(text.size() - std::string_view("00:00-00:00").size());
  if (times.substr(0, 2) > "23" || times.substr(6, 2) > "23")
    return fail(std::format("expected hours from 00 to 23, found \"{}\"", text));
  return {};
}

Result<ByteSize> ByteSize::parse(std::string_view text) {
  LOAM_TRY(const auto bytes, parse_bytes(text));
  return ByteSize{bytes};
}

std::string ByteSize::str() const {
  constexpr std::string_view units = "KMGTP";
  auto value = bytes;
  std::size_t unit = 0;
  while (value != 0 && value % 1024 == 0 && unit < units.size()) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? std::to_string(value) : std::to_string(value) + units[unit - 1];
}

Result<Duration> Duration::parse(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), count);
  const auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
  const std::int64_t factor = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : unit == "d" ? 86400 : 0;
  constexpr std::int64_t ten_years = 10LL * 366 * 86400;
  if (problem != std::errc{} || factor == 0 || count < 0 || count > ten_years / factor)
    return fail(std::format("expected a duration such as 90s, 5m, 2h or 7d, found \"{}\"", printable(text, 40)));
  return Duration{std::chrono::seconds(count * factor)};
}

std::string Duration::str() const {
  const auto count = seconds.count();
  if (count != 0 && count % 86400 == 0) return std::format("{}d", count / 86400);
  if (count != 0 && count % 3600 == 0) return std::format("{}h", count / 3600);
  if (count != 0 && count % 60 == 0) return std::format("{}m", count / 60);
  return std::format("{}s", count);
}

}  // namespace loam::model
