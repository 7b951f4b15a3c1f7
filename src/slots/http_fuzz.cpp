// Any bytes as the answer of a web server: whatever it says, what is handed on was asked for, in order and once, and
// it ends.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <format>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/unique_fd.hpp"
#include "slots/http_source.hpp"

namespace {

using namespace loam;
using namespace loam::slots;

// Gives the same bytes to whoever connects, and closes.
class Server {
 public:
  Server() : listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listening_.get(), any, size) != 0 || ::listen(listening_.get(), 16) != 0 ||
        ::getsockname(listening_.get(), any, &size) != 0)
      std::abort();
    port_ = ntohs(address.sin_port);
    std::thread([this] { serve(); }).detach();  // as long as the process
  }
  void say(std::string_view answer) {
    const std::scoped_lock lock(mutex_);
    answer_ = answer;
  }
  std::string url() const { return std::format("http://127.0.0.1:{}/", port_); }

 private:
  void serve() {
    while (true) {
      const UniqueFd client(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!client) continue;
      std::array<char, 4096> request{};
      if (::recv(client.get(), request.data(), request.size(), 0) <= 0) continue;
      std::string answer;
      {
        const std::scoped_lock lock(mutex_);
        answer = answer_;
      }
      ::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
      ::shutdown(client.get(), SHUT_WR);
    }
  }

  UniqueFd listening_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::string answer_;
};

constexpr std::uint64_t file_bytes = 64;
constexpr std::array<Extent, 2> wanted = {{{.offset = 8, .bytes = 8}, {.offset = 32, .bytes = 16}}};

void check_parts(HttpSource& source) {
  std::array<std::uint64_t, 2> next = {wanted[0].offset, wanted[1].offset};
  const auto done =
      source.parts("file", file_bytes, wanted, [&](std::uint64_t offset, std::span<const std::byte> bytes) {
        const std::size_t part = offset < wanted[1].offset ? 0 : 1;
        if (offset != next.at(part) || offset + bytes.size() > wanted.at(part).offset + wanted.at(part).bytes)
          std::abort();
        next.at(part) += bytes.size();
        return Result<void>{};
      });
  if (done && (next[0] != 16 || next[1] != 48)) std::abort();
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static auto* const server = new Server;  // NOLINT(cppcoreguidelines-owning-memory): its thread never ends
  server->say({reinterpret_cast<const char*>(data), size});
  HttpOptions options;
  options.pause = std::chrono::milliseconds(0);
  options.stall = std::chrono::seconds(1);
  options.tries = 2;
  HttpSource source(server->url(), options);
  check_parts(source);
  const auto text = source.whole("file", 100);
  if (text && text->size() > 100) std::abort();
  return 0;
}
