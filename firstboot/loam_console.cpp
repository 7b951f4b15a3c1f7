// loam-console: the node on its own screen and on serial lines. It asks loamd over D-Bus and can change nothing.
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <thread>

#include "base/guard.hpp"
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

// A loamd that is gone sends no signal, and the kernel may have written over the screen.
constexpr std::chrono::seconds redraw{60};

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
    LOAM_TRY(keys_, loop_->on_readable(STDIN_FILENO, [this] { key(); }));
    draw();
    return {};
  }

 private:
  // Changes come in bursts, and a serial line is slow: draw once for many.
  void soon(std::chrono::milliseconds delay) {
    auto timer = loop_->after(delay, [this] { draw(); });
    if (timer) timer_ = *std::move(timer);
  }

  // Whoever comes to a line that others wrote over, or that was not connected before, presses a key.
  void key() {
    std::array<char, 256> ignored{};
    if (::read(STDIN_FILENO, ignored.data(), ignored.size()) <= 0) keys_.disable();
    shown_.clear();
    soon(std::chrono::milliseconds(50));
  }

  void draw() {
    const auto facts = collect(client_);
    auto text = console::render(facts, columns());
    const auto now = std::chrono::steady_clock::now();
    if (text != shown_ || now - drawn_ >= redraw) {
      // Home, clear, draw: works on every terminal that a BMC emulates.
      std::cout << "\x1b[H\x1b[2J" << text << std::flush;
      shown_ = std::move(text);
      drawn_ = now;
    }
    soon(facts.problem.empty() ? redraw : std::chrono::seconds(5));
  }

  sys::EventLoop* loop_;
  node::NodeClient client_;
  std::string shown_;
  std::chrono::steady_clock::time_point drawn_;
  sys::EventSource timer_;
  sys::EventSource keys_;
};

// Each key by itself, and none of them on the screen.
void take_keys() {
  termios line{};
  if (::tcgetattr(STDIN_FILENO, &line) != 0) return;  // no terminal: nothing to set
  line.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &line);
}

Result<void> serve() {
  LOAM_TRY(auto loop, sys::EventLoop::create());
  LOAM_TRY(auto client, node::NodeClient::connect());
  take_keys();
  Console console(loop, std::move(client));
  LOAM_CHECK(console.start());
  return loop.run();
}

}  // namespace

int main() {
  return loam::guard("loam-console", [] {
    const auto done = serve();
    if (!done) std::cerr << "loam-console: " << done.error().text() << '\n';
    return done ? 0 : 1;
  });
}
