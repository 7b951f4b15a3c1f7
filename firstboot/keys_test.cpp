#include "keys.hpp"

#include <gtest/gtest.h>

namespace loam::console {
namespace {

std::vector<Key> keys_of(std::string_view bytes) {
  KeyParser parser;
  auto keys = parser.take(bytes);
  for (auto& key : parser.flush()) keys.push_back(std::move(key));
  return keys;
}

TEST(Keys, LettersAndWhatTheyAreMadeOf) {
  const std::vector<Key> expected = {{KeyKind::text, "a", 0},   {KeyKind::text, "ü", 0}, {KeyKind::text, "€", 0},
                                     {KeyKind::enter, {}, 0},   {KeyKind::tab, {}, 0},   {KeyKind::backspace, {}, 0},
                                     {KeyKind::control, "l", 0}};
  EXPECT_EQ(keys_of("aü€\r\t\x7f\x0c"), expected);
}

TEST(Keys, SequencesOfSeveralTerminals) {
  for (const auto* const up : {"\x1b[A", "\x1bOA"})
    EXPECT_EQ(keys_of(up), (std::vector<Key>{{KeyKind::up, {}, 0}})) << up;
  for (const auto* const f5 : {"\x1b[15~", "\x1b[[E"})
    EXPECT_EQ(keys_of(f5), (std::vector<Key>{{KeyKind::function, {}, 5}})) << f5;
  EXPECT_EQ(keys_of("\x1b[Z\x1b[3~"), (std::vector<Key>{{KeyKind::back_tab, {}, 0}, {KeyKind::del, {}, 0}}));
  EXPECT_TRUE(keys_of("\x1b[2~\x1b[99~\x1b[1;5A").empty()) << "keys that mean nothing here are no letters";
}

TEST(Keys, CutAnywhere) {
  const std::string_view bytes = "\x1b[5~ü\x1b[B";
  const std::vector<Key> expected = {{KeyKind::page_up, {}, 0}, {KeyKind::text, "ü", 0}, {KeyKind::down, {}, 0}};
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    KeyParser parser;
    auto keys = parser.take(bytes.substr(0, cut));
    for (auto& key : parser.take(bytes.substr(cut))) keys.push_back(std::move(key));
    EXPECT_EQ(keys, expected) << cut;
    EXPECT_FALSE(parser.waiting());
  }
}

TEST(Keys, ReturnAndLineFeedAreOneEnter) {
  const Key enter{KeyKind::enter, {}, 0};
  EXPECT_EQ(keys_of("\r\n"), (std::vector{enter}));
  EXPECT_EQ(keys_of("\n"), (std::vector{enter}));
  EXPECT_EQ(keys_of("\r\r"), (std::vector{enter, enter}));
  EXPECT_EQ(keys_of("\n\n"), (std::vector{enter, enter}));
  EXPECT_EQ(keys_of("\r\n\r\n"), (std::vector{enter, enter}));
  EXPECT_EQ(keys_of("\ra\n"), (std::vector{enter, Key{KeyKind::text, "a", 0}, enter}));
  KeyParser parser;
  EXPECT_EQ(parser.take("\r").size(), 1U);
  EXPECT_TRUE(parser.take("\n").empty()) << "in two pieces";
  EXPECT_EQ(parser.take("\n").size(), 1U);
}

TEST(Keys, EscapeByItself) {
  KeyParser parser;
  EXPECT_TRUE(parser.take("\x1b").empty());
  EXPECT_TRUE(parser.waiting()) << "it may be the beginning of something";
  EXPECT_EQ(parser.flush(), (std::vector<Key>{{KeyKind::escape, {}, 0}}));
  EXPECT_EQ(keys_of("\x1bx"), (std::vector<Key>{{KeyKind::escape, {}, 0}, {KeyKind::text, "x", 0}}));
  EXPECT_EQ(keys_of("\x1b["), (std::vector<Key>{{KeyKind::escape, {}, 0}, {KeyKind::text, "[", 0}}));
}

TEST(Keys, SizeOfATerminal) {
  KeyParser parser;
  EXPECT_TRUE(parser.take("\x1b[24;80R").empty());
  EXPECT_EQ(parser.take_size(), (TerminalSize{.columns = 80, .rows = 24}));
  EXPECT_FALSE(parser.take_size());
  EXPECT_TRUE(parser.take("\x1b[0;80R\x1b[99999;80R\x1b[R\x1b[1;2R").empty());
  EXPECT_FALSE(parser.take_size()) << "sizes that no terminal has";
}

TEST(Keys, WhatIsNoUtf8IsNobodysKey) {
  EXPECT_EQ(keys_of("\xff\xc3(\xe2\x82"), (std::vector<Key>{{KeyKind::text, "(", 0}}));
}

}  // namespace
}  // namespace loam::console
