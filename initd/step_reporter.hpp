// Progress of an engine that runs as a child: one JSON object a line on standard output.
#pragma once

#include <chrono>
#include <format>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "plan/executor.hpp"
#include "slots/transfer.hpp"

namespace loam::node {

inline void say_line(const nlohmann::json& line) {
  std::cout << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n' << std::flush;
}

inline void say_error(const char* program, const Error& error) {
  say_line({{"error", error.message()}, {"remedy", error.remedy()}});
  std::cerr << program << ": " << error.text() << '\n';
}

class StepReporter : public plan::Observer {
 public:
  void begin(const plan::Action& action, std::size_t index, std::size_t count) override {
    step_ = {{"step", action.kind}, {"summary", action.summary}, {"index", index + 1}, {"count", count}};
    started_ = Clock::now();
    say_line(step_);
  }

  // At most four lines a second. more: members besides.
  void progress(const slots::Progress& progress, const nlohmann::json& more = nlohmann::json::object()) {
    const auto now = Clock::now();
    if (progress.done != progress.total && now - said_ < std::chrono::milliseconds(250)) return;
    said_ = now;
    auto line = step_;
    line["done"] = progress.done;
    line["total"] = progress.total;
    line["seconds_left"] = seconds_left(progress, std::chrono::duration<double>(now - started_).count());
    line.update(more);
    say_line(line);
  }

 private:
  using Clock = std::chrono::steady_clock;
  static double seconds_left(const slots::Progress& progress, double seconds) {
    if (progress.done == 0) return 0;
    return seconds * static_cast<double>(progress.total - progress.done) / static_cast<double>(progress.done);
  }

  nlohmann::json step_;
  Clock::time_point started_;
  Clock::time_point said_;
};

}  // namespace loam::node
