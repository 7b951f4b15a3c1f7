#include "terminal.hpp"

#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "base/file.hpp"
#include "serial_speed.hpp"

namespace loam::console {

// Linux' own screen is /dev/tty and a digit.
bool on_serial_line() {
  const char* const name = ::ttyname(STDOUT_FILENO);  // NOLINT(concurrency-mt-unsafe): one thread
  constexpr std::string_view screen = "/dev/tty";
  if (name == nullptr) return false;
  const std::string_view path = name;
  return !path.starts_with(screen) || path.size() <= screen.size() || path[screen.size()] < '0' ||
         path[screen.size()] > '9';
}

namespace {

// A line that the kernel does not write to has 9600 baud until somebody says otherwise; what console= says holds.
void set_speed(termios& line) {
  if (!on_serial_line() || ::cfgetospeed(&line) != B9600) return;
  const auto cmdline = read_file("/proc/cmdline", 65536);
  if (!cmdline || !has_default_speed(*cmdline, terminal_name())) return;
  ::cfsetispeed(&line, B115200);
  ::cfsetospeed(&line, B115200);
}

}  // namespace

void prepare_terminal() {
  termios line{};
  if (::tcgetattr(STDIN_FILENO, &line) != 0) return;
  // Ctrl-C and Ctrl-S are keys like others: nobody may end the console or stop it by them.
  line.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG | IEXTEN);
  line.c_iflag &= ~static_cast<tcflag_t>(IXON | ICRNL);
  set_speed(line);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &line);
  // Linux' console: no blanking, no power saving; others do not know these. No wrapping at the right edge.
  if (!on_serial_line()) std::cout << "\x1b[9;0]\x1b[14;0]";
  std::cout << "\x1b[?7l" << std::flush;
}

void leave_terminal() { std::cout << "\x1b[0m\x1b[?7h\x1b[?25h\x1b[H\x1b[2J" << std::flush; }

int watch_size() {
  sigset_t changed;
  ::sigemptyset(&changed);
  ::sigaddset(&changed, SIGWINCH);
  if (::pthread_sigmask(SIG_BLOCK, &changed, nullptr) != 0) return -1;
  return ::signalfd(-1, &changed, SFD_NONBLOCK | SFD_CLOEXEC);
}

void size_seen(int fd) {
  signalfd_siginfo info{};
  while (::read(fd, &info, sizeof info) > 0) {
  }
}

TerminalSize kernel_size() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return {};
  return {.columns = size.ws_col, .rows = size.ws_row};
}

std::string terminal_name() {
  const char* const name = ::ttyname(STDOUT_FILENO);  // NOLINT(concurrency-mt-unsafe): one thread
  constexpr std::string_view folder = "/dev/";
  const std::string_view path = name == nullptr ? "" : name;
  return std::string(path.starts_with(folder) ? path.substr(folder.size()) : path);
}

// Nobody knows what is at the other end of a serial line: ASCII and no colours work everywhere.
TerminalKind terminal_kind() {
  const char* const chosen = std::getenv("LOAM_CONSOLE");  // NOLINT(concurrency-mt-unsafe): one thread
  const std::string_view wanted = chosen == nullptr ? "" : chosen;
  if (wanted == "plain") return {.utf8 = false, .colour = false};
  if (wanted == "utf8") return {.utf8 = true, .colour = true};
  const bool serial = on_serial_line();
  return {.utf8 = !serial, .colour = !serial};
}

}  // namespace loam::console
