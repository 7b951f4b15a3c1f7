#include "base/ip.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <format>

namespace loam {

std::optional<IpAddr> IpAddr::parse(std::string_view text) {
  const std::string terminated(text);  // inet_pton knows no lengths
  IpAddr address;
  address.v6 = text.contains(':');
  if (text.contains('\0') ||
      ::inet_pton(address.v6 ? AF_INET6 : AF_INET, terminated.c_str(), address.bytes.data()) != 1)
    return std::nullopt;
  return address;
}

std::string IpAddr::str() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), text.data(), text.size());
  return text.data();
}

bool IpAddr::is_loopback() const {
  if (!v6) return bytes[0] == 127;
  auto one = std::array<std::uint8_t, 16>{};
  one.back() = 1;
  return bytes == one;
}

bool IpAddr::is_multicast() const {
  if (v6) return bytes[0] == 0xff;
  const bool broadcast = std::all_of(bytes.begin(), bytes.begin() + 4, [](auto byte) { return byte == 0xff; });
  return (bytes[0] & 0xf0U) == 0xe0 || broadcast;
}

bool IpAddr::is_link_local() const {
  if (v6) return bytes[0] == 0xfe && (bytes[1] & 0xc0U) == 0x80;
  return bytes[0] == 169 && bytes[1] == 254;
}

std::optional<IpNet> IpNet::parse(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == text.npos) return std::nullopt;
  const auto address = IpAddr::parse(text.substr(0, slash));
  const auto digits = text.substr(slash + 1);
  IpNet net;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), net.prefix);
  if (!address || problem != std::errc{} || end != digits.data() + digits.size() || net.prefix > address->bits())
    return std::nullopt;
  net.address = *address;
  return net;
}

std::string IpNet::str() const { return std::format("{}/{}", address.str(), prefix); }

namespace {

// The bits of byte `index` that lie behind the prefix.
std::uint8_t host_mask(unsigned prefix, unsigned index) {
  const auto first = index * 8;
  if (prefix <= first) return 0xff;
  return prefix >= first + 8 ? std::uint8_t{0} : static_cast<std::uint8_t>(0xffU >> (prefix - first));
}

template <typename Change>
IpAddr changed(const IpNet& net, Change change) {
  auto address = net.address;
  for (unsigned i = 0; i < address.bits() / 8; ++i)
    address.bytes.at(i) = static_cast<std::uint8_t>(change(address.bytes.at(i), host_mask(net.prefix, i)));
  return address;
}

}  // namespace

IpNet IpNet::network() const {
  return {changed(*this, [](unsigned byte, unsigned mask) { return byte & ~mask; }), prefix};
}

IpAddr IpNet::broadcast() const {
  return changed(*this, [](unsigned byte, unsigned mask) { return byte | mask; });
}

bool IpNet::contains(const IpAddr& other) const {
  return other.v6 == address.v6 && IpNet{other, prefix}.network() == network();
}

bool IpNet::overlaps(const IpNet& other) const {
  return prefix <= other.prefix ? contains(other.address) : other.contains(address);
}

}  // namespace loam
