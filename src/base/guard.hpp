// The outermost frame of a program: exceptions of libraries end here, as a message and exit code 1.
#pragma once

#include <exception>
#include <iostream>
#include <string_view>

namespace loam {

template <typename Run>
int guard(std::string_view program, Run run) {
  try {
    return run();
  } catch (const std::exception& problem) {
    std::cerr << program << ": " << problem.what() << '\n';
    return 1;
  }
}

}  // namespace loam
