// Work on many things that do not touch each other.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace loam {

// work(i) for each i < count, on this thread and on as many more as there are processors, four at most, but none for
// fewer than `worthwhile` of them. Returns when all is done. An exception in `work` ends the program.
template <typename Work>
void parallel_for(std::size_t count, std::size_t worthwhile, const Work& work) {
  std::atomic<std::size_t> next = 0;
  const auto share = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  const std::size_t processors = std::clamp(std::thread::hardware_concurrency(), 1U, 4U);
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < std::min(processors, count / worthwhile); ++i) others.emplace_back(share);
  share();
}

}  // namespace loam
