#include "base/text.hpp"

#include <gtest/gtest.h>

namespace loam {
namespace {

TEST(Text, ParsesSizes) {
  EXPECT_EQ(parse_bytes("512"), 512U);
  EXPECT_EQ(parse_bytes("4K"), 4096U);
  EXPECT_EQ(parse_bytes("1.5T"), 1'649'267'441'664U);
  EXPECT_EQ(parse_bytes("500GB"), 500'000'000'000U);
  EXPECT_EQ(parse_bytes("2GiB"), 2147483648U);
  for (const auto* const bad : {"", "K", "-1", "4X", "4KiBB", "1e30T", "nan", "4 K K"})
    EXPECT_FALSE(parse_bytes(bad)) << bad;
}

TEST(Text, FormatsForPeople) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
  EXPECT_EQ(format_bytes(2ULL << 30U), "2.0 GiB");
  EXPECT_EQ(format_seconds(59), "59 s");
  EXPECT_EQ(format_seconds(200), "3 min 20 s");
  EXPECT_EQ(format_seconds(7260), "2 h 1 min");
}

TEST(Text, FindsTheNearestWord) {
  const std::vector<std::string> words = {"hostname", "network", "install"};
  EXPECT_EQ(closest("hostnme", words), "hostname");
  EXPECT_EQ(closest("instal", words), "install");
  EXPECT_EQ(closest("xyzzy", words), std::nullopt);
}

TEST(Text, MatchesPatterns) {
  EXPECT_TRUE(glob_match("SAMSUNG*", "samsung mz-1"));
  EXPECT_TRUE(glob_match("*a*b?", "xaxxbc"));
  EXPECT_FALSE(glob_match("a?", "a"));
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_FALSE(glob_match("a*b", "acd"));
}

TEST(Text, HexadecimalBothWays) {
  const auto bytes = from_hex("00ff7a");
  ASSERT_TRUE(bytes);
  EXPECT_EQ(to_hex(*bytes), "00ff7a");
  for (const auto* const bad : {"0", "zz", "0x", "+1"}) EXPECT_FALSE(from_hex(bad)) << bad;
}

TEST(Text, HexEscapesAreUndone) {
  EXPECT_EQ(without_hex_escapes("QEMU\\x20HARDDISK\\x20\\x20"), "QEMU HARDDISK  ");
  EXPECT_EQ(without_hex_escapes("a\\x5cx20"), "a\\x20");
  for (const auto* const plain : {"", "plain", "\\", "\\x", "\\x2", "\\xzz", "x20"})
    EXPECT_EQ(without_hex_escapes(plain), plain);
}

TEST(Text, PrintableStopsTerminalTricks) {
  EXPECT_EQ(printable("a\x1b[2Jb", 4), "a?[2...");
  EXPECT_EQ(printable("M\xc3\xbcller \xfc \xc0\xaf", 40), "M\xc3\xbcller ? ??");
  EXPECT_EQ(printable("\xc3\xbc\xc3\xbc", 3), "\xc3\xbc...") << "no half characters";
}

TEST(Url, IsShownWithoutItsPassword) {
  EXPECT_EQ(without_userinfo("http://me:secret@host/a@b"), "http://host/a@b");
  EXPECT_EQ(without_userinfo("socks5://me:se/cret@host:1"), "socks5://host:1");
  EXPECT_EQ(without_userinfo("http://host:80/path"), "http://host:80/path");
  EXPECT_EQ(without_userinfo("http://host/a@b"), "http://host/a@b");
  EXPECT_EQ(without_userinfo("me:secret@host"), "host");
  EXPECT_EQ(without_userinfo(""), "");
}

}  // namespace
}  // namespace loam
