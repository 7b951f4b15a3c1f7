// sd-event with owned sources: files, timers and children of one thread.
#pragma once

#include <systemd/sd-event.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace loam::sys {

struct EventFree {
  void operator()(sd_event* event) const { sd_event_unref(event); }
  void operator()(sd_event_source* source) const { sd_event_source_disable_unref(source); }
};

// A source that watches as long as this object lives. Its callback may destroy or replace it.
class EventSource {
 public:
  EventSource() = default;
  // Stops watching; allowed inside of the callback too.
  void disable();

 private:
  friend class EventLoop;
  // The argument is the exit code of a child, negative for a signal; of no meaning for the others.
  using Callback = std::function<void(int)>;
  // Shared with a call that is under way.
  std::unique_ptr<std::shared_ptr<Callback>> callback_;
  static std::unique_ptr<std::shared_ptr<Callback>> hold(Callback callback);
  static void call(void* data, int argument);
  std::unique_ptr<sd_event_source, EventFree> source_;
};

class EventLoop {
 public:
  static Result<EventLoop> create();

  sd_event* handle() const { return event_.get(); }
  // Runs until stop(). SIGTERM and SIGINT stop it. Tells the service manager's watchdog that we live.
  Result<void> run();
  void stop();

  Result<EventSource> on_readable(int fd, std::function<void()> callback);
  // Once, after the delay.
  Result<EventSource> after(std::chrono::milliseconds delay, std::function<void()> callback);
  // Once, when the child has ended; the loop waits for it. code: exit code, or the signal that ended it, negative.
  Result<EventSource> on_exit(int pid, std::function<void(int code)> callback);

 private:
  explicit EventLoop(std::unique_ptr<sd_event, EventFree> event) : event_(std::move(event)) {}
  std::unique_ptr<sd_event, EventFree> event_;
};

// A program that runs beside the loop: its standard output comes line by line, its end once.
class Child {
 public:
  struct Callbacks {
    std::function<void(std::string_view line)> line;
    // Empty text: exited with 0. Else how it ended, with the end of its standard error.
    std::function<void(const std::string& problem)> end;
  };
  static Result<std::unique_ptr<Child>> start(EventLoop& loop, const std::vector<std::string>& argv,
                                              Callbacks callbacks);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  Child(Child&&) = delete;
  Child& operator=(Child&&) = delete;
  int pid() const { return pid_; }
  // Ends the program if it still runs. One that hangs in the kernel, as on a dying disk, is left behind after a second.
  ~Child();

 private:
  explicit Child(Callbacks callbacks) : callbacks_(std::move(callbacks)) {}
  bool read_output();  // false when there is nothing more
  void ended(int code);

  Callbacks callbacks_;
  int pid_ = -1;
  int output_ = -1;
  int errors_ = -1;
  std::string buffer_;
  EventSource output_source_;
  EventSource exit_source_;
};

}  // namespace loam::sys
