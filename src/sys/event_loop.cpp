#include "sys/event_loop.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <format>
#include <utility>

#include "base/text.hpp"
#include "sys/log.hpp"
#include "sys/spawn.hpp"

namespace loam::sys {

std::unique_ptr<std::shared_ptr<EventSource::Callback>> EventSource::hold(Callback callback) {
  return std::make_unique<std::shared_ptr<Callback>>(std::make_shared<Callback>(std::move(callback)));
}

// sd-event is C: an exception must not pass through it, and one event that cannot be handled must not end the rest.
void EventSource::call(void* data, int argument) {
  const auto kept = *static_cast<std::shared_ptr<Callback>*>(data);
  try {
    (*kept)(argument);
  } catch (const std::exception& problem) {
    log(Priority::error, std::string("an event could not be handled: ") + problem.what());
  }
}

void EventSource::disable() {
  if (source_) sd_event_source_set_enabled(source_.get(), SD_EVENT_OFF);
}

Result<EventLoop> EventLoop::create() {
  sd_event* raw = nullptr;
  if (const int problem = sd_event_new(&raw); problem < 0) return fail_errno("sd-event", -problem);
  std::unique_ptr<sd_event, EventFree> event(raw);
  sigset_t blocked;
  ::sigemptyset(&blocked);
  for (const int signal : {SIGTERM, SIGINT, SIGCHLD}) ::sigaddset(&blocked, signal);
  ::sigprocmask(SIG_BLOCK, &blocked, nullptr);
  for (const int signal : {SIGTERM, SIGINT})
    if (const int problem = sd_event_add_signal(event.get(), nullptr, signal, nullptr, nullptr); problem < 0)
      return fail_errno("sd-event signal", -problem);
  if (const int problem = sd_event_set_watchdog(event.get(), 1); problem < 0)
    return fail_errno("sd-event watchdog", -problem);
  return EventLoop(std::move(event));
}

Result<void> EventLoop::run() {
  if (const int problem = sd_event_loop(event_.get()); problem < 0) return fail_errno("sd-event loop", -problem);
  return {};
}

void EventLoop::stop() { sd_event_exit(event_.get(), 0); }

Result<EventSource> EventLoop::on_readable(int fd, std::function<void()> callback) {
  EventSource source;
  source.callback_ = EventSource::hold([call = std::move(callback)](int) { call(); });
  sd_event_source* raw = nullptr;
  const auto handler = [](sd_event_source*, int, std::uint32_t, void* data) {
    EventSource::call(data, 0);
    return 0;
  };
  if (const int problem = sd_event_add_io(event_.get(), &raw, fd, EPOLLIN, handler, source.callback_.get());
      problem < 0)
    return fail_errno("sd-event io", -problem);
  source.source_.reset(raw);
  return source;
}

Result<EventSource> EventLoop::after(std::chrono::milliseconds delay, std::function<void()> callback) {
  EventSource source;
  source.callback_ = EventSource::hold([call = std::move(callback)](int) { call(); });
  sd_event_source* raw = nullptr;
  const auto handler = [](sd_event_source*, std::uint64_t, void* data) {
    EventSource::call(data, 0);
    return 0;
  };
  const auto micros = static_cast<std::uint64_t>(std::chrono::microseconds(delay).count());
  if (const int problem =
          sd_event_add_time_relative(event_.get(), &raw, CLOCK_MONOTONIC, micros, 0, handler, source.callback_.get());
      problem < 0)
    return fail_errno("sd-event timer", -problem);
  source.source_.reset(raw);
  return source;
}

Result<EventSource> EventLoop::on_exit(int pid, std::function<void(int)> callback) {
  EventSource source;
  source.callback_ = EventSource::hold(std::move(callback));
  sd_event_source* raw = nullptr;
  const auto handler = [](sd_event_source*, const siginfo_t* info, void* data) {
    const int code = info->si_code == CLD_EXITED ? info->si_status : -info->si_status;
    EventSource::call(data, code);
    return 0;
  };
  if (const int problem = sd_event_add_child(event_.get(), &raw, pid, WEXITED, handler, source.callback_.get());
      problem < 0)
    return fail_errno("sd-event child", -problem);
  source.source_.reset(raw);
  return source;
}

Result<std::unique_ptr<Child>> Child::start(EventLoop& loop, const std::vector<std::string>& argv,
                                            Callbacks callbacks) {
  std::unique_ptr<Child> child(new Child(std::move(callbacks)));
  LOAM_TRY(auto pipe, make_pipe());
  // A file takes the errors: nobody has to read along, and only its end is of interest.
  UniqueFd errors(::memfd_create("stderr", MFD_CLOEXEC));
  if (!errors) return fail_errno("memfd");
  Spawn spawn;
  spawn.connect(pipe.write, STDOUT_FILENO);
  spawn.connect(errors, STDERR_FILENO);
  LOAM_TRY(child->pid_, spawn.start(argv, {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}));
  child->output_ = std::exchange(pipe.read, UniqueFd()).release();
  child->errors_ = errors.release();
  auto* const self = child.get();
  LOAM_TRY(child->output_source_, loop.on_readable(child->output_, [self] { self->read_output(); }));
  LOAM_TRY(child->exit_source_, loop.on_exit(child->pid_, [self](int code) { self->ended(code); }));
  return child;
}

Child::~Child() {
  output_source_ = {};
  exit_source_ = {};
  if (pid_ > 0) {
    kill_group(pid_);
  }
  if (output_ >= 0) ::close(output_);
  if (errors_ >= 0) ::close(errors_);
}

bool Child::read_output() {
  std::array<char, 16384> chunk{};
  const auto got = ::read(output_, chunk.data(), chunk.size());
  if (got < 0) return errno == EINTR;
  if (got == 0) {
    output_source_.disable();
    return false;
  }
  buffer_.append(chunk.data(), static_cast<std::size_t>(got));
  for (auto end = buffer_.find('\n'); end != buffer_.npos; end = buffer_.find('\n')) {
    const auto line = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    callbacks_.line(line);
  }
  return true;
}

void Child::ended(int code) {
  pid_ = -1;
  // What it wrote last may still be in the pipe.
  ::fcntl(output_, F_SETFL, O_NONBLOCK);
  while (read_output()) {
  }
  if (!buffer_.empty()) callbacks_.line(std::exchange(buffer_, {}));  // a last line without its end
  if (code == 0) {
    callbacks_.end("");
    return;
  }
  std::array<char, 1024> said{};
  const auto size = ::lseek(errors_, 0, SEEK_END);
  const auto from = size > 1000 ? size - 1000 : 0;
  const auto got = ::pread(errors_, said.data(), said.size(), from);
  const auto text = printable(trim(std::string_view(said.data(), got > 0 ? static_cast<std::size_t>(got) : 0)), 1000);
  // What it was is in the log, where the one who started it names it.
  const auto how = code > 0 ? std::format("exited with {}", code) : std::format("was ended by signal {}", -code);
  callbacks_.end(text.empty() ? how + " and said nothing; loamctl logs shows what went before" : text);
}

}  // namespace loam::sys
