#include "slots/roll_back.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <set>
#include <string>
#include <vector>

#include "slots/mounted_esp.hpp"
#include "testing/temp_dir.hpp"

namespace loam::slots {
namespace {

using Names = std::set<std::string>;

class RollBack : public ::testing::Test {
 protected:
  void have(const std::vector<std::string>& names) {
    std::filesystem::remove_all(linux_);
    std::filesystem::create_directories(linux_);
    for (const auto& name : names) std::ofstream(linux_ / name) << name;
  }
  Names files() {
    Names found;
    for (const auto& file : std::filesystem::directory_iterator(linux_)) found.insert(file.path().filename());
    return found;
  }
  std::string meant() { return roll_back(esp_, "2.0").value().meant.value_or("none"); }

  testing::TempDir dir_;
  std::filesystem::path linux_ = dir_ / "EFI/Linux";
  MountedEsp esp_{dir_.path()};
};

TEST_F(RollBack, ReturnsToTheOlderOneAndTakesThatBack) {
  have({"loam-2.0.efi", "loam-1.0.efi"});
  EXPECT_EQ(meant(), "1.0");
  EXPECT_EQ(files(), (Names{"loam-2.0+0.efi", "loam-1.0+3.efi"}));
  EXPECT_EQ(meant(), "2.0");
  EXPECT_EQ(files(), (Names{"loam-2.0+3.efi", "loam-1.0+3.efi"}));
}

TEST_F(RollBack, PutsANewerOneBackAndForth) {
  have({"loam-2.0.efi", "loam-3.0+3.efi"});
  EXPECT_EQ(meant(), "none");
  EXPECT_EQ(files(), (Names{"loam-2.0.efi", "loam-3.0+0.efi"}));
  EXPECT_EQ(meant(), "3.0");
  EXPECT_EQ(files(), (Names{"loam-2.0.efi", "loam-3.0+3.efi"}));
}

TEST_F(RollBack, ChangesNothingWhereNothingElseStarts) {
  have({"loam-2.0.efi"});
  EXPECT_FALSE(roll_back(esp_, "2.0"));
  have({"loam-2.0.efi", "loam-1.0+0-3.efi"});
  EXPECT_FALSE(roll_back(esp_, "2.0"));
  EXPECT_EQ(files(), (Names{"loam-2.0.efi", "loam-1.0+0-3.efi"}));
}

// Else loam-2.0.efi of the blessing would come to stand beside the one that was put back.
TEST_F(RollBack, DoesNotMixWithABlessing) {
  have({"loam-2.0+2-1.efi", "loam-1.0.efi"});
  auto blessing = esp_.lock(short_esp_lock);
  ASSERT_TRUE(blessing) << blessing.error().text();
  auto rolled = std::async(std::launch::async, [&] { return roll_back(esp_, "2.0"); });
  EXPECT_EQ(rolled.wait_for(std::chrono::milliseconds(200)), std::future_status::timeout);
  EXPECT_EQ(files(), (Names{"loam-2.0+2-1.efi", "loam-1.0.efi"}));
  std::filesystem::rename(linux_ / "loam-2.0+2-1.efi", linux_ / "loam-2.0.efi");
  *blessing = {};
  EXPECT_TRUE(rolled.get());
  EXPECT_EQ(files(), (Names{"loam-2.0+0.efi", "loam-1.0+3.efi"}));
}

}  // namespace
}  // namespace loam::slots
