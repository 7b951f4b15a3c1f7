#include "slots/mounted_esp.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>

#include "base/file.hpp"
#include "base/scratch.hpp"

namespace loam::slots {
namespace {

TEST(MountedEsp, OneLockAtATime) {
  const auto folder = ScratchDirectory::make();
  ASSERT_TRUE(folder) << folder.error().text();
  const auto other = open_file(folder->path(), O_RDONLY | O_DIRECTORY);
  ASSERT_TRUE(other) << other.error().text();
  {
    const auto lock = MountedEsp(folder->path()).lock(short_esp_lock);
    ASSERT_TRUE(lock) << lock.error().text();
    EXPECT_NE(::flock(other->get(), LOCK_EX | LOCK_NB), 0);
  }
  EXPECT_EQ(::flock(other->get(), LOCK_EX | LOCK_NB), 0);
}

}  // namespace
}  // namespace loam::slots
