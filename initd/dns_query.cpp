#include "dns_query.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <format>

#include "base/ip.hpp"
#include "base/unique_fd.hpp"

namespace loam::node {

namespace {

constexpr std::uint16_t dns_port = 53;

Result<UniqueFd> connected(const IpAddr& server) {
  UniqueFd fd(::socket(server.v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("socket");
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(dns_port);
  std::memcpy(&v4.sin_addr, server.bytes.data(), sizeof(v4.sin_addr));
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(dns_port);
  std::memcpy(&v6.sin6_addr, server.bytes.data(), sizeof(v6.sin6_addr));
  const auto* const address =
      server.v6 ? reinterpret_cast<const sockaddr*>(&v6) : reinterpret_cast<const sockaddr*>(&v4);
  if (::connect(fd.get(), address, server.v6 ? sizeof(v6) : sizeof(v4)) != 0) return fail_errno("no route");
  return fd;
}

}  // namespace

Result<void> ask_dns(const std::string& server, std::chrono::milliseconds limit) {
  const auto address = IpAddr::parse(server);
  if (!address) return fail(std::format("\"{}\" is no address", server));
  LOAM_TRY(const auto fd, connected(*address));
  // Header: id, recursion desired, one question; then the root name, type NS, class IN.
  std::array<unsigned char, 17> question = {0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1};
  if (::getrandom(question.data(), 2, 0) != 2) return fail_errno("getrandom");
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (::send(fd.get(), question.data(), question.size(), 0) < 0) return fail_errno("sending");
    pollfd ready{.fd = fd.get(), .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, static_cast<int>(limit.count())) != 1) continue;
    std::array<unsigned char, 512> reply{};
    const auto got = ::recv(fd.get(), reply.data(), reply.size(), 0);
    if (got < 0) return fail_errno("receiving");
    // Any answer to this question will do, a refusal too: somebody serves there.
    if (got >= 12 && reply[0] == question[0] && reply[1] == question[1] && (reply[2] & 0x80U) != 0) return {};
  }
  return fail(std::format("no answer within {} ms", limit.count() * 2));
}

}  // namespace loam::node
