#include "frame_writer.hpp"

#include <gtest/gtest.h>
#include <ftxui/dom/elements.hpp>

namespace loam::console {
namespace {

ftxui::Screen picture(const ftxui::Element& element, int columns = 20, int rows = 3) {
  ftxui::Screen screen(columns, rows);
  screen.SetCursor({.x = 0, .y = 0, .shape = ftxui::Screen::Cursor::Hidden});
  ftxui::Render(screen, element);
  return screen;
}

TEST(FrameWriter, OnlyWhatChangedIsSent) {
  FrameWriter writer({.utf8 = true, .colour = false});
  const auto first = writer.update(picture(ftxui::text("state: ready")));
  EXPECT_TRUE(first.starts_with("\x1b[0m\x1b[H\x1b[2J")) << first;
  EXPECT_TRUE(first.contains("state: ready")) << first;
  EXPECT_EQ(writer.update(picture(ftxui::text("state: ready"))), "");
  EXPECT_EQ(writer.update(picture(ftxui::text("state: reads"))), "\x1b[1;12Hs\x1b[?25l");
}

TEST(FrameWriter, AfterAnotherWroteOnItAllIsDrawn) {
  FrameWriter writer({});
  const auto same = picture(ftxui::text("abc"));
  const auto first = writer.update(same);
  writer.forget();
  EXPECT_EQ(writer.update(same), first);
  EXPECT_TRUE(writer.update(picture(ftxui::text("abc"), 30, 3)).contains("\x1b[2J")) << "another size too";
}

TEST(FrameWriter, PlainAscii) {
  FrameWriter writer({.utf8 = false, .colour = false});
  const auto shown = writer.update(picture(ftxui::vbox({ftxui::separator(), ftxui::text("grün")})));
  EXPECT_TRUE(shown.contains("--------")) << shown;
  EXPECT_TRUE(shown.contains("gr?n")) << shown;
}

TEST(FrameWriter, StylesEndWhereTheyShould) {
  FrameWriter writer({});
  const auto shown = writer.update(picture(ftxui::hbox({ftxui::text("a") | ftxui::bold, ftxui::text("b")})));
  EXPECT_TRUE(shown.contains("\x1b[0;1ma\x1b[0mb")) << shown;
}

TEST(FrameWriter, TheLastCellStaysEmpty) {
  FrameWriter writer({});
  ftxui::Screen screen(3, 1);
  screen.SetCursor({.x = 0, .y = 0, .shape = ftxui::Screen::Cursor::Hidden});
  for (int x = 0; x < 3; ++x) screen.PixelAt(x, 0).character = "x";
  const auto shown = writer.update(screen);
  EXPECT_TRUE(shown.contains("xx") && !shown.contains("xxx")) << shown;
}

}  // namespace
}  // namespace loam::console
