// Starting a program by argv: what subprocess and event_loop share.
#pragma once

#include <spawn.h>
#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/unique_fd.hpp"

namespace loam::sys {

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};
Result<Pipe> make_pipe();

// The child is in a process group of its own, so that ending it takes its children too.
class Spawn {
 public:
  Spawn();
  Spawn(const Spawn&) = delete;
  Spawn& operator=(const Spawn&) = delete;
  ~Spawn();

  // The child's descriptor `to` becomes a copy of `from`.
  void connect(const UniqueFd& from, int to);
  // environment: all of it, as NAME=value.
  Result<pid_t> start(const std::vector<std::string>& argv, const std::vector<std::string>& environment);

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

// The path of a program that stands beside the running one: in the image as in the build tree.
std::string program_beside_us(std::string_view name);

// True when the child has ended, false when the time was over first. It is not yet collected.
bool ended_within(pid_t pid, std::chrono::milliseconds limit);

// Kills a child with its process group. One that hangs in the kernel, as on a dying disk, is left behind after a second
// and collected at a later call.
void kill_group(pid_t pid);

}  // namespace loam::sys
