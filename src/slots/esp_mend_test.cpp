#include "slots/esp_mend.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "base/file.hpp"
#include "slots/mounted_esp.hpp"
#include "testing/temp_dir.hpp"

namespace loam::slots {
namespace {

// The smallest that is one: DOS and PE headers, one section of 16 bytes.
std::string program(char fill) {
  std::string text(512, '\0');
  const auto put = [&](std::size_t at, std::uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i)
      text[at + static_cast<std::size_t>(i)] = static_cast<char>(value >> (8U * static_cast<unsigned>(i)));
  };
  text.replace(0, 2, "MZ");
  put(0x3c, 64, 4);
  text.replace(64, 4, std::string("PE\0\0", 4));
  put(64 + 4, 0x8664, 2);  // machine
  put(64 + 6, 1, 2);       // sections
  put(64 + 20, 0, 2);      // optional header
  text.replace(64 + 24, 5, ".text");
  put(64 + 24 + 16, 16, 4);   // bytes in the file
  put(64 + 24 + 20, 256, 4);  // where
  text.replace(256, 16, std::string(16, fill));
  return text;
}

class MendEsp : public ::testing::Test {
 protected:
  void SetUp() override { write("image-loader", program('i')); }
  void write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((dir_ / name).parent_path());
    std::ofstream(dir_ / name) << text;
  }
  std::size_t mended() { return mend_esp(esp_, dir_ / "image-loader").value().size(); }
  std::string read(const char* name) { return read_file(dir_ / name).value(); }

  testing::TempDir dir_;
  MountedEsp esp_{dir_ / "esp"};
};

TEST_F(MendEsp, PutsBackWhatIsGone) {
  write("esp/EFI/Linux/loam-1.efi", "uki");
  EXPECT_EQ(mended(), 3U);
  EXPECT_EQ(read("esp/EFI/BOOT/BOOTX64.EFI"), program('i'));
  EXPECT_EQ(read("esp/EFI/systemd/systemd-bootx64.efi"), program('i'));
  EXPECT_EQ(read("esp/loader/loader.conf"), loader_config);
  EXPECT_EQ(mended(), 0U);
}

TEST_F(MendEsp, LeavesAloneWhatWorks) {
  write("esp/EFI/BOOT/BOOTX64.EFI", program('o'));
  write("esp/EFI/systemd/systemd-bootx64.efi", program('o').substr(0, 260));
  write("esp/loader/loader.conf", "timeout 10\n");
  EXPECT_EQ(mended(), 1U) << "the one that was cut off";
  EXPECT_EQ(read("esp/EFI/BOOT/BOOTX64.EFI"), program('o'));
  EXPECT_EQ(read("esp/EFI/systemd/systemd-bootx64.efi"), program('i'));
  EXPECT_EQ(read("esp/loader/loader.conf"), "timeout 10\n");
}

TEST_F(MendEsp, EndsABlessingThatWasCutOff) {
  using Names = std::set<std::string>;
  const auto left = [&](const std::string& blessed) {
    write("esp/EFI/Linux/loam-1.5.efi", blessed);
    write("esp/EFI/Linux/loam-1.5.efi.new", "u");
    write("esp/EFI/Linux/loam-1.5+0-3.efi", "uki");
    write("esp/EFI/Linux/loam-1.4+0-3.efi", "uki");
    EXPECT_TRUE(end_blessing(esp_, "1.5"));
    const auto names = esp_.list("/EFI/Linux").value();
    return Names(names.begin(), names.end());
  };
  EXPECT_EQ(left("uki"), (Names{"loam-1.4+0-3.efi", "loam-1.5.efi"}));
  EXPECT_TRUE(left("").contains("loam-1.5+0-3.efi")) << "the power cut left the name only";
  EXPECT_FALSE(left("").contains("loam-1.5.efi"));
  EXPECT_TRUE(left("ukj").contains("loam-1.5+0-3.efi")) << "whichever is right, none of them goes";
}

TEST_F(MendEsp, LeavesABlessingThatIsUnderWay) {
  write("esp/EFI/Linux/loam-1.5.efi.new", "u");
  write("esp/EFI/Linux/loam-1.5+2-1.efi", "uki");
  EXPECT_TRUE(end_blessing(esp_, "1.5"));
  EXPECT_EQ(esp_.list("/EFI/Linux").value().size(), 2U);
}

}  // namespace
}  // namespace loam::slots
