// loam-install: the install engine as a program. loamd runs it as a child; tests and benchmarks run it on image files.
// Progress goes to standard output, one JSON object a line.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <format>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/file.hpp"
#include "base/text.hpp"
#include "diskmgr/observe.hpp"
#include "model/parse.hpp"
#include "plan/executor.hpp"
#include "slots/install_apply.hpp"

namespace {

using namespace loam;
using nlohmann::json;

struct Options {
  std::string release;
  std::string disk;
  std::string id;
  std::string config;
  std::string journal;
  std::uint32_t sector_size = 512;
  bool wipe = false;
  bool plan_only = false;
};

class Reporter : public plan::Observer {
 public:
  void begin(const plan::Action& action, std::size_t index, std::size_t count) override {
    step_ = {{"step", action.kind}, {"summary", action.summary}, {"index", index + 1}, {"count", count}};
    started_ = Clock::now();
    say(step_);
  }

  // At most four lines a second.
  void progress(const slots::Progress& progress) {
    const auto now = Clock::now();
    if (progress.done != progress.total && now - said_ < std::chrono::milliseconds(250)) return;
    said_ = now;
    const auto seconds = std::chrono::duration<double>(now - started_).count();
    auto line = step_;
    line["done"] = progress.done;
    line["total"] = progress.total;
    line["seconds_left"] = progress.done == 0 ? 0.0
                                              : seconds * static_cast<double>(progress.total - progress.done) /
                                                    static_cast<double>(progress.done);
    say(line);
  }

 private:
  using Clock = std::chrono::steady_clock;
  static void say(const json& line) { std::cout << line.dump() << std::endl; }

  json step_;
  Clock::time_point started_;
  Clock::time_point said_;
};

Result<void> read_size(const UniqueFd& fd, slots::InstallTarget& target, std::uint32_t sector_size) {
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return fail_errno(target.path.string());
  if (S_ISREG(info.st_mode)) {
    target.bytes = static_cast<std::uint64_t>(info.st_size);
    target.sector_size = sector_size;
    return {};
  }
  int sectors = 0;
  if (::ioctl(fd.get(), BLKGETSIZE64, &target.bytes) != 0 || ::ioctl(fd.get(), BLKSSZGET, &sectors) != 0)
    return fail_errno(target.path.string());
  target.sector_size = static_cast<std::uint32_t>(sectors);
  return {};
}

// udev holds a lock for the moment in which it looks at a disk: only one that stays is somebody's.
Result<void> lock(const UniqueFd& fd, const std::string& path) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (std::chrono::steady_clock::now() > deadline)
      return fail(std::format("{} is locked by another program for over a minute", path),
                  "is an installation running already?");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // flock(2) has no time limit of its own
  }
  return {};
}

// The disk under an exclusive claim: nobody has it mounted or open so, and other installers stay away.
Result<UniqueFd> claim(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return fail_errno(path);
  if (S_ISBLK(info.st_mode)) {
    const UniqueFd exclusive(::open(path.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC));
    if (!exclusive) return std::unexpected(Error::from_errno(path).remedy("the disk is in use; choose another"));
  }
  // sfdisk must be able to tell the kernel about new partitions, which an O_EXCL open would refuse: the lock stays.
  LOAM_TRY(auto fd, open_file(path, O_RDONLY));
  LOAM_CHECK(lock(fd, path));
  return fd;
}

// Kernel names move: the node that was chosen must still be the disk that was meant, now that it is claimed.
Result<void> check_identity(const Options& options) {
  if (options.id.empty()) return {};
  LOAM_TRY(const auto disks, diskmgr::enumerate());
  const auto found = std::ranges::find(disks, options.disk, &diskmgr::Facts::node);
  if (found != disks.end() && found->id == options.id) return {};
  return fail(std::format("{} is {}, {} was expected; nothing was written", options.disk,
                          found == disks.end() ? "gone" : found->id, options.id),
              "disks were added or removed meanwhile; try again");
}

Result<slots::InstallTarget> observe(const Options& options, const UniqueFd& fd) {
  slots::InstallTarget target{.id = options.id.empty() ? options.disk : options.id,
                              .path = options.disk,
                              .bytes = 0,
                              .sector_size = 512,
                              .blank = false,
                              .content = {},
                              .wipe_consented = options.wipe,
                              .gpt = {},
                              .bootable = false,
                              .config_sha256 = {}};
  LOAM_CHECK(read_size(fd, target, options.sector_size));
  LOAM_TRY(const auto content, diskmgr::probe_content(options.disk));
  target.blank = content.empty();
  target.content = content.empty() ? "nothing" : join(content, ", ");
  LOAM_CHECK(slots::observe_target(target));
  return target;
}

Result<std::string> new_machine_id() {
  LOAM_TRY(auto id, read_file("/proc/sys/kernel/random/uuid", 64));
  std::erase_if(id, [](char c) { return c == '-' || c == '\n'; });
  return id;
}

Result<void> install(const Options& options) {
  LOAM_TRY(const auto config_text, read_file(options.config, std::size_t{2} << 20U));
  LOAM_CHECK(model::parse_config(config_text, options.config));
  LOAM_TRY(const auto release, slots::Release::open(options.release));
  LOAM_TRY(const auto fd, claim(options.disk));
  LOAM_CHECK(check_identity(options));
  LOAM_TRY(auto target, observe(options, fd));
  LOAM_TRY(target.config_sha256, slots::sha256_file(options.config));
  LOAM_TRY(const auto todo, slots::plan_install(target, release.manifest()));
  if (options.plan_only) {
    std::cout << plan::format(todo);
    return {};
  }
  LOAM_CHECK(release.check_files());
  LOAM_TRY(auto journal, plan::Journal::open(options.journal, todo));
  LOAM_TRY(auto machine_id, new_machine_id());
  Reporter reporter;
  slots::InstallApply apply(std::move(target), release,
                            {.config_text = config_text, .machine_id = std::move(machine_id)},
                            [&](const slots::Progress& progress) { reporter.progress(progress); });
  auto done = plan::run(todo, journal, apply.handlers(), reporter);
  // What failed once may have spoilt what was done before it, and the file may be another the next time: start anew
  // then.
  if (!done) std::filesystem::remove(options.journal);
  return done;
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app{"Installs a Loam release on a disk or disk image."};
  app.add_option("--release", options.release, "directory of the release")->required();
  app.add_option("--disk", options.disk, "device node or image file")->required();
  app.add_option("--id", options.id, "identity of the disk, for messages");
  app.add_option("--config", options.config, "loam.yaml for the node")->required();
  app.add_option("--journal", options.journal, "where to note what is done")->default_val("/run/loam/install.journal");
  app.add_option("--sector-size", options.sector_size, "of an image file: 512 or 4096");
  app.add_flag("--wipe", options.wipe, "the disk may be erased though it is not blank");
  app.add_flag("--plan", options.plan_only, "print the plan and change nothing");
  app.footer("Example: loam-install --release build/release --disk disk.img --config loam.yaml --plan");
  CLI11_PARSE(app, argc, argv);
  if (auto done = install(options); !done) {
    std::cout << json{{"error", done.error().message()}, {"remedy", done.error().remedy()}}.dump(
                     -1, ' ', false, json::error_handler_t::replace)
              << std::endl;
    std::cerr << "loam-install: " << done.error().text() << '\n';
    return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& problem) {
    std::cerr << "loam-install: " << problem.what() << '\n';
    return 1;
  }
}
