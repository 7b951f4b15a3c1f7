#include "sys/spawn.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <mutex>

namespace loam::sys {

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Spawn::Spawn() {
  ::posix_spawn_file_actions_init(&actions_);
  ::posix_spawnattr_init(&attributes_);
  ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes_, &none);
  sigset_t standard;
  ::sigemptyset(&standard);
  ::sigaddset(&standard, SIGPIPE);
  ::posix_spawnattr_setsigdefault(&attributes_, &standard);
}

Spawn::~Spawn() {
  ::posix_spawn_file_actions_destroy(&actions_);
  ::posix_spawnattr_destroy(&attributes_);
}

void Spawn::connect(const UniqueFd& from, int to) { ::posix_spawn_file_actions_adddup2(&actions_, from.get(), to); }

namespace {

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> list;
  list.reserve(texts.size() + 1);
  // posix_spawn takes char* for history's sake and does not write to them.
  for (const auto& text : texts) list.push_back(const_cast<char*>(text.c_str()));
  list.push_back(nullptr);
  return list;
}

}  // namespace

Result<pid_t> Spawn::start(const std::vector<std::string>& argv, const std::vector<std::string>& environment) {
  const auto arguments = pointers(argv);
  const auto variables = pointers(environment);
  pid_t pid = 0;
  const int problem =
      ::posix_spawnp(&pid, argv.front().c_str(), &actions_, &attributes_, arguments.data(), variables.data());
  if (problem != 0) return fail_errno(argv.front(), problem);
  return pid;
}

namespace {

struct LeftBehind {
  std::mutex lock;
  std::vector<pid_t> pids;
};

LeftBehind& left_behind() {
  static LeftBehind all;
  return all;
}

}  // namespace

std::string program_beside_us(std::string_view name) {
  std::error_code none;  // /proc/self/exe is always there
  return (std::filesystem::read_symlink("/proc/self/exe", none).parent_path() / name).string();
}

bool ended_within(pid_t pid, std::chrono::milliseconds limit) {
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  pollfd ended{.fd = process.get(), .events = POLLIN, .revents = 0};
  return process && ::poll(&ended, 1, static_cast<int>(limit.count())) == 1;
}

void kill_group(pid_t pid) {
  auto& [lock, pids] = left_behind();
  const std::scoped_lock held(lock);
  std::erase_if(pids, [](pid_t old) { return ::waitpid(old, nullptr, WNOHANG) != 0; });
  ::kill(-pid, SIGKILL);
  ended_within(pid, std::chrono::seconds(1));
  if (::waitpid(pid, nullptr, WNOHANG) == 0) pids.push_back(pid);
}

}  // namespace loam::sys
