#include "sys/subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <format>

#include "base/text.hpp"
#include "sys/spawn.hpp"

namespace loam::sys {

namespace {

constexpr std::size_t max_output = 16U << 20U;

using Clock = std::chrono::steady_clock;

// Moves bytes between us and the child until it closes both outputs or time is up.
class Exchange {
 public:
  Exchange(Pipe in, Pipe out, Pipe err, std::string_view input)
      : in_(std::move(in.write)), out_(std::move(out.read)), err_(std::move(err.read)), input_(input) {
    if (input_.empty()) in_.reset();
    if (in_) ::fcntl(in_.get(), F_SETFL, O_NONBLOCK);
  }

  Result<RunOutput> until(Clock::time_point deadline) {
    while (out_ || err_) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
      if (left <= 0) return fail("took too long");
      std::array<pollfd, 3> fds = {{{out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}, {in_.get(), POLLOUT, 0}}};
      if (::poll(fds.data(), fds.size(), static_cast<int>(std::min<std::int64_t>(left, 60'000))) < 0 && errno != EINTR)
        return fail_errno("poll");
      if (fds[0].revents != 0) LOAM_CHECK(drain(out_, result_.out));
      if (fds[1].revents != 0) LOAM_CHECK(drain(err_, result_.err));
      if (fds[2].revents != 0) feed();
    }
    return std::move(result_);
  }

 private:
  static Result<void> drain(UniqueFd& fd, std::string& into) {
    std::array<char, 16384> chunk{};
    const auto got = ::read(fd.get(), chunk.data(), chunk.size());
    if (got < 0) return errno == EINTR ? Result<void>{} : fail_errno("read");
    if (got == 0) fd.reset();
    into.append(chunk.data(), static_cast<std::size_t>(got));
    if (into.size() > max_output) return fail("wrote more than 16 MiB");
    return {};
  }

  void feed() {
    const auto wrote = ::write(in_.get(), input_.data(), input_.size());
    if (wrote < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (wrote > 0) input_.remove_prefix(static_cast<std::size_t>(wrote));
    // A program that does not want all of its input is no error of ours; its exit code tells.
    if (wrote < 0 || input_.empty()) in_.reset();
  }

  UniqueFd in_;
  UniqueFd out_;
  UniqueFd err_;
  std::string_view input_;
  RunOutput result_;
};

std::string tail(std::string_view text) {
  text = trim(text);
  if (text.size() > 400) text = text.substr(text.size() - 400);
  return printable(text, 400);
}

Result<RunOutput> judge(const std::string& program, int status, RunOutput output) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return output;
  const auto how = WIFEXITED(status) ? std::format("exited with {}", WEXITSTATUS(status))
                                     : std::format("was ended by signal {}", WTERMSIG(status));
  const auto said = tail(output.err.empty() ? output.out : output.err);
  return fail(std::format("{} {}{}{}", program, how, said.empty() ? "" : ": ", said));
}

// It may close its outputs and live on.
Result<int> status_until(pid_t pid, Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
  int status = 0;
  if (!ended_within(pid, std::max(left, std::chrono::milliseconds(0))) || ::waitpid(pid, &status, WNOHANG) != pid)
    return fail("took too long");
  return status;
}

}  // namespace

Result<RunOutput> run(const std::vector<std::string>& argv, const RunOptions& options) {
  LOAM_TRY(auto in, make_pipe());
  LOAM_TRY(auto out, make_pipe());
  LOAM_TRY(auto err, make_pipe());
  if (options.input_fd >= 0) in.read.reset(::fcntl(options.input_fd, F_DUPFD_CLOEXEC, 0));
  if (!in.read) return fail_errno(argv.front());
  Spawn spawn;
  spawn.connect(in.read, STDIN_FILENO);
  spawn.connect(out.write, STDOUT_FILENO);
  spawn.connect(err.write, STDERR_FILENO);
  auto environment = options.environment;
  environment.insert(environment.end(), {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"});
  LOAM_TRY(const auto pid, spawn.start(argv, environment));

  in.read.reset();
  out.write.reset();
  err.write.reset();
  Exchange exchange(std::move(in), std::move(out), std::move(err), options.input);
  const auto deadline = Clock::now() + options.timeout;
  auto output = exchange.until(deadline);
  const auto status = output ? status_until(pid, deadline) : Result<int>(std::unexpected(output.error()));
  if (!status) {
    kill_group(pid);
    return std::unexpected(
        Error(status.error()).context(std::format("{} (limit {} s)", argv.front(), options.timeout.count())));
  }
  if (options.any_exit && WIFEXITED(*status)) {
    output->code = WEXITSTATUS(*status);
    return output;
  }
  return judge(argv.front(), *status, *std::move(output));
}

Result<RunOutput> run_piped(const std::vector<std::string>& producer, const std::vector<std::string>& consumer,
                            std::chrono::seconds limit) {
  LOAM_TRY(auto between, make_pipe());
  Spawn spawn;
  spawn.connect(between.write, STDOUT_FILENO);
  LOAM_TRY(const auto pid, spawn.start(producer, {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}));
  between.write.reset();
  auto output = run(consumer, {.timeout = limit, .input = {}, .environment = {}, .input_fd = between.read.get()});
  between.read.reset();
  constexpr std::chrono::seconds to_end{10};
  const auto status = status_until(pid, Clock::now() + (output ? to_end : std::chrono::seconds(0)));
  if (!status) kill_group(pid);
  if (!output) return output;
  if (!status) return fail(std::format("{} did not end with its reader", producer.front()));
  return judge(producer.front(), *status, *std::move(output));
}

}  // namespace loam::sys
