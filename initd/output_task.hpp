// A program that somebody waits for: its output, or why there is none. One at a time.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "sys/event_loop.hpp"

namespace loam::node {

class OutputTask {
 public:
  using Done = std::function<void(Result<std::string> output)>;
  explicit OutputTask(sys::EventLoop& loop) : loop_(&loop) {}
  // done is called once, from the loop or from here. A program that outlives the limit is ended.
  void run(const std::vector<std::string>& argv, std::chrono::seconds limit, Done done);
  // What runs is ended, and whoever waits for it is told.
  void end(const std::string& why) {
    if (done_) finish(why);
  }

 private:
  void take(std::string_view line);
  void finish(const std::string& problem);

  sys::EventLoop* loop_;
  std::string output_;
  Done done_;
  std::unique_ptr<sys::Child> child_;
  sys::EventSource end_;
  sys::EventSource limit_;
};

}  // namespace loam::node
