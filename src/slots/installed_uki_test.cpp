#include "slots/installed_uki.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "slots/sha256.hpp"
#include "testing/temp_dir.hpp"

namespace loam::slots {
namespace {

TEST(InstalledUki, IsTheReleasesByteForByte) {
  const testing::TempDir dir;
  const MountedEsp esp(dir.path());
  const auto folder = dir / "EFI/Linux";
  const auto problem = [&](const Manifest& manifest) {
    const auto verified = verify_installed_uki(esp, manifest);
    return verified ? "" : verified.error().text();
  };
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "loam-1.0.efi") << "what the release has";
  Manifest manifest;
  manifest.version = "1.0";
  manifest.files["efi"] = {.size = 20, .sha256 = sha256_file(folder / "loam-1.0.efi").value()};
  EXPECT_EQ(problem(manifest), "");
  std::ofstream(folder / "loam-2.0.efi") << "of another release";
  std::ofstream(folder / "loam-1.0.efi.new") << "cut off";
  EXPECT_EQ(problem(manifest), "");
  std::ofstream(folder / "loam-1.0+2-1.efi") << "WHAT the release has";
  EXPECT_NE(problem(manifest).find("loam-1.0+2-1.efi: its SHA-256 is"), std::string::npos) << problem(manifest);
  manifest.version = "3.0";
  EXPECT_NE(problem(manifest).find("no UKI of Loam 3.0"), std::string::npos) << problem(manifest);
}

}  // namespace
}  // namespace loam::slots
