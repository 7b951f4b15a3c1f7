// Runs a program by argv, never through a shell, with a time limit.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace loam::sys {

struct RunOptions {
  std::chrono::seconds timeout{60};
  std::string input;                     // for its standard input
  std::vector<std::string> environment;  // NAME=value, besides PATH and LANG
  bool any_exit = false;                 // a code other than 0 is an answer, not an error
  int input_fd = -1;                     // what it reads in place of `input`
};

struct RunOutput {
  std::string out;  // at most 16 MiB; more is an error
  std::string err;
  int code = 0;
};

// The output of a program that exited with 0. Everything else is an error that names the program and holds the end of
// what it wrote on standard error. A program that outlives its time is killed with its children.
Result<RunOutput> run(const std::vector<std::string>& argv, const RunOptions& options = {});

// The output of `consumer`, which reads what `producer` writes. The first that fails is the error.
Result<RunOutput> run_piped(const std::vector<std::string>& producer, const std::vector<std::string>& consumer,
                            std::chrono::seconds limit);

}  // namespace loam::sys
