// Another program takes the disk between the look at it and the wipe: on loop devices, where O_EXCL means what it does
// on disks.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/loop.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <format>
#include <fstream>
#include <optional>
#include <random>
#include <thread>

#include "base/unique_fd.hpp"
#include "diskmgr/claim.hpp"
#include "diskmgr/probe.hpp"
#include "testing/temp_dir.hpp"

namespace loam::diskmgr {
namespace {

constexpr std::size_t page = 4096;

class LoopDevice {
 public:
  explicit LoopDevice(const std::string& file) {
    const UniqueFd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
    const UniqueFd backing(::open(file.c_str(), O_RDWR | O_CLOEXEC));
    // Another program may take the free one first.
    for (int tries = 0; tries < 20 && !device_; ++tries) {
      path_ = std::format("/dev/loop{}", ::ioctl(control.get(), LOOP_CTL_GET_FREE));
      UniqueFd device(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
      loop_config config{};
      config.fd = static_cast<__u32>(backing.get());
      config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
      if (device && ::ioctl(device.get(), LOOP_CONFIGURE, &config) == 0) device_ = std::move(device);
    }
  }
  bool good() const { return static_cast<bool>(device_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  UniqueFd device_;
};

// The first page of a swap device with a UUID of this number.
std::array<std::byte, page> swap_header(int number) {
  std::array<std::byte, page> header{};
  const std::array<std::uint32_t, 2> version_and_last_page = {1, 1000};
  std::memcpy(&header[1024], version_and_last_page.data(), sizeof(version_and_last_page));
  std::memcpy(&header[1024 + 12], &number, sizeof(number));
  std::memcpy(&header[page - 10], "SWAPSPACE2", 10);
  return header;
}

void write_header(int fd, int number) {
  const auto header = swap_header(number);
  ASSERT_EQ(::pwrite(fd, header.data(), header.size(), 0), static_cast<ssize_t>(page));
}

bool has_header(const std::string& path, int number) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<std::byte, page> found{};
  return ::pread(fd.get(), found.data(), page, 0) == static_cast<ssize_t>(page) && found == swap_header(number);
}

class Race : public ::testing::Test {
 protected:
  Race() {
    std::ofstream(file_).put('\0');
    std::filesystem::resize_file(file_, 8U << 20U);
    loop_.emplace(file_);
  }
  void SetUp() override { ASSERT_TRUE(loop_->good()) << "no loop device: " << std::strerror(errno); }

  // The other program: takes the disk for itself, makes it its own, and lets go. False: it was not to be had.
  bool take(int number, bool exclusive, std::chrono::microseconds before, std::chrono::microseconds after) {
    const UniqueFd fd(::open(loop_->path().c_str(), O_RDWR | O_CLOEXEC | (exclusive ? O_EXCL : 0)));
    if (!fd || (!exclusive && ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0)) return false;
    std::this_thread::sleep_for(before);
    write_header(fd.get(), number);
    std::this_thread::sleep_for(after);
    return true;
  }

  testing::TempDir dir_;
  std::string file_ = (dir_ / "disk").string();
  std::optional<LoopDevice> loop_;
  std::minstd_rand random_{42};  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same in every run
};

TEST_F(Race, WhoHoldsOrLocksTheDiskKeepsIt) {
  int taken = 0;
  int erased = 0;
  for (int i = 0; i < 1000; ++i) {
    {
      write_header(UniqueFd(::open(loop_->path().c_str(), O_WRONLY | O_CLOEXEC)).get(), 1);
    }
    const auto seen = probe_content(loop_->path());
    ASSERT_TRUE(seen && !seen->blank());
    const int mine = 2 + i;
    bool took = false;
    const auto up_to = [&](unsigned limit) { return std::chrono::microseconds(random_() % limit); };
    const auto first = up_to(1500);
    const auto wait = up_to(1500);
    const auto before = up_to(500);
    const auto after = up_to(500);
    std::jthread other([&] {
      std::this_thread::sleep_for(wait);
      took = take(mine, i % 2 == 0, before, after);
    });
    std::this_thread::sleep_for(first);
    const auto done =
        claim_disk({{loop_->path()}, *seen, Consent::given}, {.lock_limit = std::chrono::milliseconds(random_() % 3)});
    other.join();
    ASSERT_TRUE(!took || has_header(loop_->path(), mine)) << "try " << i << ": what another program wrote is gone";
    ASSERT_TRUE(took || !done || probe_content(loop_->path())->blank()) << "try " << i;
    taken += took ? 1 : 0;
    erased += done ? 1 : 0;
  }
  // Both got it often enough for this to mean something.
  EXPECT_GT(taken, 50);
  EXPECT_GT(erased, 50);
  RecordProperty("taken", taken);
  RecordProperty("erased", erased);
}

TEST_F(Race, WhatWasWrittenBeforeTheLastLookIsKept) {
  for (int i = 0; i < 100; ++i) {
    const UniqueFd plain(::open(loop_->path().c_str(), O_RDWR | O_CLOEXEC));
    write_header(plain.get(), 1);
    const auto seen = probe_content(loop_->path());
    ASSERT_TRUE(seen);
    // By one who neither locks nor holds it.
    const auto intrude = [&](int) {
      write_header(plain.get(), 2 + i);
      return Result<void>{};
    };
    ASSERT_FALSE(claim_disk({{loop_->path()}, *seen, Consent::given}, {.check_identity = intrude}));
    ASSERT_TRUE(has_header(loop_->path(), 2 + i));
  }
}

}  // namespace
}  // namespace loam::diskmgr
