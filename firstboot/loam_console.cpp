// loam-console: the node on its own screen and on serial lines. It talks to loamd over D-Bus and does nothing itself.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "app.hpp"
#include "base/boot_clock.hpp"
#include "base/guard.hpp"
#include "frame_writer.hpp"
#include "journal_tail.hpp"
#include "keys.hpp"
#include "node_client.hpp"
#include "sys/event_loop.hpp"
#include "sys/password.hpp"
#include "terminal.hpp"

namespace {

using namespace loam;
using namespace loam::console;

constexpr std::array<std::string_view, 5> documents = {"Machine", "Links", "Disks", "Slots", "Upgrade"};
// A loamd that is gone sends no signal, and the kernel may have written over the screen.
constexpr std::chrono::seconds redraw{60};
// Something could not be had.
constexpr std::chrono::seconds look_again{5};
// Changes come in bursts, and a serial line is slow: one picture for many.
constexpr std::chrono::milliseconds gather{200};
// The rest of an escape sequence is there by then, also through a BMC.
constexpr std::chrono::milliseconds escape_time{300};
// So long without a key, and whoever typed a password is gone.
constexpr std::chrono::minutes nobody{5};
// Well within loamd's lease for who is in the wizard.
constexpr std::chrono::seconds tell_again{60};
constexpr TerminalSize smallest{.columns = 80, .rows = 24};

class Console {
 public:
  Console(sys::EventLoop& loop, node::NodeClient client)
      : loop_(&loop),
        client_(std::move(client)),
        writer_(terminal_kind()),
        dirty_(documents.begin(), documents.end()) {}

  Result<void> start() {
    LOAM_CHECK(client_.watch([this](const std::vector<std::string>& invalidated) {
      if (invalidated.empty()) dirty_.insert(documents.begin(), documents.end());
      for (const auto& name : invalidated)
        if (std::ranges::contains(documents, name)) dirty_.insert(name);
      look_soon(gather);
    }));
    client_.bus().attachSdEventLoop(loop_->handle());
    LOAM_TRY(input_, loop_->on_readable(STDIN_FILENO, [this] { read_keys(); }));
    if (const auto fd = watch_size(); fd >= 0) {
      LOAM_TRY(resized_, loop_->on_readable(fd, [this, fd] {
        size_seen(fd);
        said_ = {};  // where the kernel tells of changes, it knows
        draw();
      }));
    }
    facts_.problem = "loamd has not answered yet";
    ask_for_size();
    show();
    look();
    return {};
  }

 private:
  // The answer comes between the keys. Linux' own screen has the kernel's size.
  static void ask_for_size() {
    if (on_serial_line()) std::cout << ask_size << std::flush;
  }

  // What is due earlier stays: changes that come one after the other must not put it off for ever.
  void look_soon(std::chrono::milliseconds delay) {
    const auto due = std::chrono::steady_clock::now() + delay;
    if (look_due_ && *look_due_ <= due) return;
    auto timer = loop_->after(delay, [this] { look(); });
    if (!timer) return;
    look_timer_ = *std::move(timer);
    look_due_ = due;
  }

  // What loamd says now. Documents only if they changed: that of a thousand disks is long. It may be long in answering:
  // keys go on meanwhile.
  void look() {
    look_due_.reset();
    again_ = std::exchange(looking_, true);
    if (again_) return;
    if (std::chrono::steady_clock::now() - pressed_ >= nobody) app_.nobody_is_there();
    auto wanted = std::exchange(dirty_, {});
    client_.look(wanted, [this, wanted](Result<node::NodeClient::Seen> seen) { take(wanted, std::move(seen)); });
  }

  void take(const std::set<std::string>& wanted, Result<node::NodeClient::Seen> seen) {
    looking_ = false;
    bool all = true;
    for (const auto& name : wanted)
      if (!seen || !seen->documents.contains(name)) {
        dirty_.insert(name);
        all = false;
      }
    if (seen) {
      facts_.view = std::move(seen->view);
      for (auto& [name, text] : seen->documents) document(name) = std::move(text);
      facts_.problem.clear();
    } else {
      facts_.problem = seen.error().text();
      all = false;
    }
    show();
    look_soon(again_ ? gather : std::chrono::milliseconds(all ? redraw : look_again));
  }

  void show_soon(std::chrono::milliseconds delay) {
    if (showing_) return;
    auto timer = loop_->after(delay, [this] {
      showing_ = false;
      show();
    });
    if (!timer) return;
    show_timer_ = *std::move(timer);
    showing_ = true;
  }

  void show() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) == 0) facts_.hostname = name.data();
    facts_.seconds_of_boot = seconds_of_boot();
    app_.take(facts_);
    if (std::chrono::steady_clock::now() - drawn_whole_ >= redraw) writer_.forget();
    draw();
    // A network on trial is counted down.
    if (facts_.view.network_goes_back > 0) show_soon(std::chrono::seconds(1));
  }

  // Open only while somebody looks at it: it holds memory.
  void watch_log() {
    if (!app_.wants_log()) {
      log_source_ = {};
      log_.reset();
      facts_.log.clear();
    } else if (!log_) {
      auto tail = JournalTail::open();
      if (!tail) {
        facts_.log = {" " + tail.error().text()};
      } else {
        log_.emplace(*std::move(tail));
        facts_.log = log_->lines();
        if (auto source = loop_->on_readable(log_->fd(), [this] { log_grew(); })) log_source_ = *std::move(source);
      }
      app_.take(facts_);
    }
  }

  void log_grew() {
    if (!log_ || !log_->read()) return;
    facts_.log = log_->lines();
    show_soon(gather);
  }

  std::string& document(const std::string& name) {
    if (name == "Machine") return facts_.machine;
    if (name == "Links") return facts_.links;
    if (name == "Disks") return facts_.disks;
    return name == "Slots" ? facts_.slots : facts_.upgrade;
  }

  // Who is at a serial line now knows better than what the kernel was told by somebody before.
  TerminalSize size() const {
    if (said_.columns > 0) return said_;
    const auto known = kernel_size();
    return known.columns > 0 && known.rows > 0 ? known : smallest;
  }

  void draw() {
    const auto [columns, rows] = size();
    const auto bytes = writer_.update(app_.picture(columns, rows));
    if (bytes.contains("\x1b[2J")) drawn_whole_ = std::chrono::steady_clock::now();
    std::cout << bytes << std::flush;
  }

  void read_keys() {
    std::array<char, 1024> bytes{};
    const auto count = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) return loop_->stop();  // systemd brings another one
    const auto now = std::chrono::steady_clock::now();
    // Whoever comes to a line that others wrote over, or that was not connected before, presses a key.
    if (now - pressed_ >= redraw) {
      writer_.forget();
      ask_for_size();
    }
    pressed_ = now;
    press(parser_.take(std::string_view(bytes.data(), static_cast<std::size_t>(count))));
    if (!parser_.waiting()) return;
    auto timer = loop_->after(escape_time, [this] { press(parser_.flush()); });
    if (timer) escape_timer_ = *std::move(timer);
  }

  void press(const std::vector<Key>& keys) {
    if (const auto said = parser_.take_size()) said_ = *said;
    for (const auto& key : keys) {
      if (key.kind == KeyKind::control && key.text == "l") {
        writer_.forget();
        ask_for_size();
      }
      if (auto order = app_.key(key); !order.name.empty()) {
        draw();
        carry_out(order);
      }
    }
    say_somebody_is_here();
    watch_log();
    draw();
  }

  // As long as keys come in the wizard, and at its first one.
  void say_somebody_is_here() {
    const auto now = std::chrono::steady_clock::now();
    if (!app_.setting_up()) return told_.reset();
    if (told_ && now - *told_ < tell_again) return;
    told_ = now;
    carry_out(app_.stay());
  }

  // What is typed as the new node's password goes no further than this: loam.yaml has its hash.
  void carry_out(Order order) {
    if (!order.new_password.empty()) {
      auto hash = sys::hash_password(order.new_password);
      if (!hash) {
        app_.answered(order.name, std::unexpected(hash.error()));
        return;
      }
      order.argument = app_.yaml_with_password(*hash);
    }
    if (order.name == "shell") order.argument = terminal_name();
    // What takes long does not hold up the keys.
    client_.console(order.name, order.argument, order.password,
                    [this, name = order.name](const Result<std::string>& answer) {
                      if (name == "wizard" && !answer) told_.reset();  // the next key says it again
                      if (auto next = app_.answered(name, answer); !next.name.empty()) carry_out(std::move(next));
                      watch_log();
                      draw();
                      look_soon(gather);
                    });
  }

  sys::EventLoop* loop_;
  node::NodeClient client_;
  App app_;
  Facts facts_;
  KeyParser parser_;
  FrameWriter writer_;
  std::set<std::string> dirty_;  // documents to be read again
  bool looking_ = false;         // loamd was asked and has not answered
  bool again_ = false;           // something changed meanwhile
  TerminalSize said_;
  std::chrono::steady_clock::time_point drawn_whole_;
  std::chrono::steady_clock::time_point pressed_;
  std::optional<std::chrono::steady_clock::time_point> told_;  // loamd, that somebody is in the wizard
  std::optional<JournalTail> log_;
  sys::EventSource log_source_;
  std::optional<std::chrono::steady_clock::time_point> look_due_;
  sys::EventSource look_timer_;
  bool showing_ = false;  // show_timer_ runs
  sys::EventSource show_timer_;
  sys::EventSource escape_timer_;
  sys::EventSource input_;
  sys::EventSource resized_;
};

Result<void> serve() {
  LOAM_TRY(auto loop, sys::EventLoop::create());
  LOAM_TRY(auto client, node::NodeClient::connect());
  prepare_terminal();
  Console console(loop, std::move(client));
  LOAM_CHECK(console.start());
  auto ended = loop.run();
  leave_terminal();
  return ended;
}

}  // namespace

int main() {
  return loam::guard("loam-console", [] {
    const auto done = serve();
    if (!done) std::cerr << "loam-console: " << done.error().text() << '\n';
    return done ? 0 : 1;
  });
}
