// Typed single values of loam.yaml. Each type knows how it is written, so that parser, schema and docs agree.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"

namespace loam::model {

// A text that passed the check of its kind and so can go into unit files, argv and paths as it is.
template <typename Kind>
class Checked {
 public:
  Checked() = default;
  static Result<Checked> parse(std::string_view text) {
    LOAM_CHECK(Kind::check(text));
    Checked value;
    value.text_ = text;
    return value;
  }
  const std::string& str() const { return text_; }
  bool empty() const { return text_.empty(); }
  bool operator==(const Checked&) const = default;
  auto operator<=>(const Checked&) const = default;

 private:
  std::string text_;
};

// For each kind: `pattern` is its regular expression in the JSON Schema, `example` what docs and messages show.
#define LOAM_SCALAR_KIND(Name, Pattern, Example)         \
  struct Name##Kind {                                    \
    static constexpr std::string_view pattern = Pattern; \
    static constexpr std::string_view example = Example; \
    static Result<void> check(std::string_view text);    \
  };                                                     \
  using Name = Checked<Name##Kind>

// RFC 1123 labels, 63 characters each, 253 in all, lower case as Kubernetes wants node names.
LOAM_SCALAR_KIND(Hostname, "^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$", "node-1");
// Kernel interface name: 15 bytes at most, no slash or space.
LOAM_SCALAR_KIND(LinkName, "^[A-Za-z][A-Za-z0-9_.-]{0,14}$", "bond0");
// Six bytes in hexadecimal, lower or upper case.
LOAM_SCALAR_KIND(MacAddress, "^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$", "52:54:00:12:34:56");
// IPv4 or IPv6 address.
LOAM_SCALAR_KIND(IpAddress, "^[0-9A-Fa-f:.]+$", "192.0.2.10");
// Address with prefix length; host bits may be set (an interface address) or not (a network).
LOAM_SCALAR_KIND(IpPrefix, "^[0-9A-Fa-f:.]+/[0-9]{1,3}$", "192.0.2.10/24");
// One VLAN or a range of them, 1 to 4094.
LOAM_SCALAR_KIND(VlanRange, "^[0-9]{1,4}(-[0-9]{1,4})?$", "100-199");
// One port of TCP or UDP or a range of them, 1 to 65535.
LOAM_SCALAR_KIND(PortRange, "^[0-9]{1,5}(-[0-9]{1,5})?$", "9000-9010");
// http, https or file URL without blanks or control characters.
LOAM_SCALAR_KIND(Url, "^(https?|file)://[!#-\\[\\]-~]+$", "https://loam.example/releases");
// One line of an OpenSSH authorized_keys file, without options.
LOAM_SCALAR_KIND(SshKey, "^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-[a-z0-9@.-]+) [A-Za-z0-9+/=]+( .*)?$",
                 "ssh-ed25519 AAAAC3Nza... admin@site");
// A crypt(5) hash such as mkpasswd -m yescrypt prints; never a password.
LOAM_SCALAR_KIND(PasswordHash, "^\\$(y|6|gy|2b)\\$[^: ]+$", "$y$j9T$...");
// A disk's identity as loamctl disks prints it: wwn-..., nvme-..., ata-..., scsi-..., serial:MODEL:SERIAL.
LOAM_SCALAR_KIND(DiskId, "^[A-Za-z0-9][A-Za-z0-9_.:+=@-]{2,127}$", "wwn-0x5000c500a1b2c3d4");
// Letters, digits, * and ?: matched over the whole value, letter case ignored.
LOAM_SCALAR_KIND(Glob, "^[^\\n]{1,128}$", "SAMSUNG*");
// Name from the time zone database.
LOAM_SCALAR_KIND(TimeZone, "^[A-Za-z][A-Za-z0-9_+/-]{1,63}$", "Europe/Berlin");
// Name of a keyboard layout in the image, as mkosi/keyboards.list has them.
LOAM_SCALAR_KIND(KeyboardLayout, "^[a-z][a-z-]{1,15}$", "de");
// Host name or address, as NTP servers and proxies' exceptions are given.
LOAM_SCALAR_KIND(HostOrAddress, "^[A-Za-z0-9.:*-]{1,253}$", "ntp.example");
// A time of the week: "Sat 02:00-05:00" or daily "02:00-05:00".
LOAM_SCALAR_KIND(Window, "^((Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$",
                 "Sat 02:00-05:00");
// PCI address with domain.
LOAM_SCALAR_KIND(PciAddress, "^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7]$", "0000:3b:00.0");
// UUID in the usual form.
LOAM_SCALAR_KIND(Uuid, "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", "2c1f3a5e-7d1b-4f0a-9c3e-8a6b5d4c3b2a");
// What loamctl cluster join-string prints: a secret.
LOAM_SCALAR_KIND(JoinString, "^loam1\\.[A-Za-z0-9_-]{16,4096}$", "loam1.MTIzNDU2Nzh7...");
// One line of text.
LOAM_SCALAR_KIND(Line, "^[^\\n\\r]*$", "text");

#undef LOAM_SCALAR_KIND

// A size in bytes, written 4K, 100G, 1.5T (binary) or 500GB (decimal).
struct ByteSize {
  std::uint64_t bytes = 0;
  static constexpr std::string_view pattern = "^[0-9]+(\\.[0-9]+)? ?([KMGTP](i?B)?)?$";
  static constexpr std::string_view example = "100G";
  static Result<ByteSize> parse(std::string_view text);
  std::string str() const;
  bool operator==(const ByteSize&) const = default;
};

// A length of time, written 90s, 5m, 2h or 7d.
struct Duration {
  std::chrono::seconds seconds{};
  static constexpr std::string_view pattern = "^[0-9]+[smhd]$";
  static constexpr std::string_view example = "120s";
  static Result<Duration> parse(std::string_view text);
  std::string str() const;
  bool operator==(const Duration&) const = default;
};

// First and last of a VlanRange or a PortRange; none if the text is not one.
std::optional<std::pair<int, int>> vlan_range(std::string_view text);
std::optional<std::pair<int, int>> port_range(std::string_view text);

}  // namespace loam::model
