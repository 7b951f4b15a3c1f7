// Arithmetic on IP addresses and networks. Text forms: RFC 4291 and RFC 5952 for IPv6, dotted quads for IPv4.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace loam {

// An IPv4 address lies in the first four bytes, network byte order; the others are zero.
struct IpAddr {
  bool v6 = false;
  std::array<std::uint8_t, 16> bytes{};

  static std::optional<IpAddr> parse(std::string_view text);
  std::string str() const;

  unsigned bits() const { return v6 ? 128 : 32; }
  bool is_unspecified() const { return bytes == std::array<std::uint8_t, 16>{}; }
  bool is_loopback() const;
  bool is_multicast() const;   // and IPv4's limited broadcast
  bool is_link_local() const;  // 169.254.0.0/16 or fe80::/10
  auto operator<=>(const IpAddr&) const = default;
};

// An address with the length of its network's prefix: an interface address, or a network where all bits behind the
// prefix are zero.
struct IpNet {
  IpAddr address;
  unsigned prefix = 0;

  static std::optional<IpNet> parse(std::string_view text);
  std::string str() const;

  IpNet network() const;     // with the bits behind the prefix cleared
  IpAddr broadcast() const;  // with them set; of meaning for IPv4 only
  bool is_network() const { return *this == network(); }
  bool contains(const IpAddr& other) const;
  bool overlaps(const IpNet& other) const;
  bool operator==(const IpNet&) const = default;
};

}  // namespace loam
