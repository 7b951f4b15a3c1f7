#include "netcfg/rtnl_socket.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <format>

namespace loam::netcfg {

namespace {

// A burst of events, as when a switch with hundreds of VLANs comes back, fits.
constexpr int receive_buffer = 4 << 20;

Result<void> set_option(const UniqueFd& fd, int level, int option, int value) {
  if (::setsockopt(fd.get(), level, option, &value, sizeof(value)) == 0) return {};
  return fail_errno("netlink socket");
}

}  // namespace

Result<RtnlSocket> RtnlSocket::open() {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  if (!fd) return fail_errno("netlink socket");
  // Whoever may not go past net.core.rmem_max, as a test, has what that allows.
  if (!set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, receive_buffer))
    LOAM_CHECK(set_option(fd, SOL_SOCKET, SO_RCVBUF, receive_buffer));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return fail_errno("netlink socket");
  return RtnlSocket(std::move(fd));
}

Result<void> RtnlSocket::ask(unsigned short type) {
  struct {
    nlmsghdr header;
    rtgenmsg body;
  } request{};
  request.header.nlmsg_len = NLMSG_LENGTH(sizeof(request.body));
  request.header.nlmsg_type = type;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.header.nlmsg_seq = ++sequence_;
  if (::send(fd_.get(), &request, request.header.nlmsg_len, 0) < 0)
    return fail_errno("asking the kernel for links and routes");
  return {};
}

Result<bool> RtnlSocket::receive(const Take& take) {
  alignas(nlmsghdr) std::array<std::byte, 65536> buffer{};
  while (true) {
    sockaddr_nl from{};
    socklen_t size = sizeof(from);
    const auto got = ::recvfrom(fd_.get(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == ENOBUFS) return false;
    if (got < 0) return fail_errno("messages of the kernel about links");
    if (from.nl_pid != 0) continue;  // not the kernel: any process can send to this socket
    LOAM_TRY(const auto messages, parse_rtnl(std::span(buffer).first(static_cast<std::size_t>(got))));
    for (const auto& message : messages) take(message);
  }
}

Result<void> RtnlSocket::wait_for_end(const Take& take) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  bool over = false;
  int refused = 0;
  const auto watch = [&](const RtnlMessage& message) {
    if (const auto* const end = std::get_if<DumpEnd>(&message)) {
      over = true;
      refused = end->error;
    } else {
      take(message);
    }
  };
  while (!over) {
    pollfd ready{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) == 0)
      return fail("the kernel did not list its links or routes within 5 s");
    LOAM_TRY(const auto whole, receive(watch));
    if (!whole) return fail("the kernel dropped messages about links or routes", "loamctl retry looks again");
  }
  if (refused != 0) return fail_errno("listing links or routes", refused);
  return {};
}

Result<void> RtnlSocket::dump(const Take& take) {
  LOAM_CHECK(ask(RTM_GETLINK));
  LOAM_CHECK(wait_for_end(take));
  LOAM_CHECK(ask(RTM_GETADDR));
  return wait_for_end(take);
}

Result<void> RtnlSocket::dump_routes(const Take& take) {
  LOAM_CHECK(ask(RTM_GETROUTE));
  return wait_for_end(take);
}

}  // namespace loam::netcfg
