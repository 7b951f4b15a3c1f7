// loam-console: the node on its own screen and on serial lines. It asks loamd over D-Bus and can change nothing.
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <thread>

#include "screen.hpp"
#include "sys/event_loop.hpp"

namespace {

using namespace loam;

int columns() {
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40;
  return known ? size.ws_col : 80;
}

console::Facts collect(node::NodeClient& client) {
  console::Facts facts;
  if (auto view = client.view()) {
    facts.view = *std::move(view);
  } else {
    facts.problem = view.error().text();
  }
  if (auto links = client.document("Links")) facts.links = *std::move(links);
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  facts.hostname = name.data();
  return facts;
}

class Console {
 public:
  Console(sys::EventLoop& loop, node::NodeClient client) : loop_(&loop), client_(std::move(client)) {}

  Result<void> start() {
    client_.proxy()
        .uponSignal("PropertiesChanged")
        .onInterface("org.freedesktop.DBus.Properties")
        .call([this](const std::string&, const std::map<std::string, sdbus::Variant>&,
                     const std::vector<std::string>&) { soon(std::chrono::milliseconds(200)); });
    client_.bus().attachSdEventLoop(loop_->handle());
    draw();
    return {};
  }

 private:
  // Changes come in bursts, and a serial line is slow: draw once for many. Addresses change without a signal of ours.
  void soon(std::chrono::milliseconds delay) {
    auto timer = loop_->after(delay, [this] { draw(); });
    if (timer) timer_ = *std::move(timer);
  }

  void draw() {
    const auto facts = collect(client_);
    auto text = console::render(facts, columns());
    if (text != shown_) {
      // Home, clear, draw: works on every terminal that a BMC emulates.
      std::cout << "\x1b[H\x1b[2J" << text << std::flush;
      shown_ = std::move(text);
    }
    soon(std::chrono::seconds(10));
  }

  sys::EventLoop* loop_;
  node::NodeClient client_;
  std::string shown_;
  sys::EventSource timer_;
};

Result<void> serve() {
  LOAM_TRY(auto loop, sys::EventLoop::create());
  LOAM_TRY(auto client, node::NodeClient::connect());
  Console console(loop, std::move(client));
  LOAM_CHECK(console.start());
  return loop.run();
}

}  // namespace

int main() {
  try {
    if (auto done = serve(); !done) {
      std::cerr << "loam-console: " << done.error().text() << '\n';
      return 1;
    }
    return 0;
  } catch (const std::exception& problem) {
    std::cerr << "loam-console: " << problem.what() << '\n';
    return 1;
  }
}
