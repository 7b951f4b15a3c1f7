#include "slots/version.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "sys/subprocess.hpp"

namespace loam::slots {
namespace {

// As systemd says it, by the code that systemd-boot has too.
std::strong_ordering as_systemd(const std::string& a, const std::string& b) {
  const auto said = sys::run({"systemd-analyze", "compare-versions", a, b},
                             {.timeout = std::chrono::seconds(60), .input = {}, .environment = {}, .any_exit = true});
  EXPECT_TRUE(said && (said->code == 0 || said->code == 11 || said->code == 12));
  return said->code == 0    ? std::strong_ordering::equal
         : said->code == 11 ? std::strong_ordering::greater
                            : std::strong_ordering::less;
}

TEST(Versions, SortAsSystemdSortsThem) {
  const std::vector<std::string> some = {"1.0",  "1.10", "1.9", "1.0~rc1", "1.0^1", "1.0.1", "1.0-2",
                                         "01.0", "1.0a", "1a",  "1.a",     "2",     "1.0+b", "1..0"};
  for (const auto& a : some)
    for (const auto& b : some) EXPECT_EQ(compare_versions(a, b), as_systemd(a, b)) << a << " " << b;
}

TEST(Versions, AnyTexts) {
  std::mt19937 random(3);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same in every run
  const auto some = [&] {
    std::string text(1, "019a"[random() % 4]);
    for (auto length = random() % 8; length > 0; --length) text += "0129aB.~^-+"[random() % 11];
    return text;
  };
  for (int i = 0; i < 150; ++i) {
    const auto a = some();
    const auto b = some();
    EXPECT_EQ(compare_versions(a, b), as_systemd(a, b)) << a << " " << b;
  }
}

TEST(Versions, WhatMayBeAFileName) {
  for (const auto* const good : {"0.1.0", "1", "10.2~rc1", "1.0^20261101", "1.0-2"})
    EXPECT_TRUE(is_version(good)) << good;
  for (const auto* const bad : {"", "v1", "1.0+2", "1/2", "../1", "1 0", "1.0A"}) EXPECT_FALSE(is_version(bad)) << bad;
  EXPECT_FALSE(is_version(std::string(65, '1')));
}

}  // namespace
}  // namespace loam::slots
