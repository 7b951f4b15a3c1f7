// A picture as bytes for a terminal: only what changed since the last one, because a serial line takes 0.2 s for a
// whole screen. Pure.
#pragma once

#include <string>
#include <vector>

#include <ftxui/screen/screen.hpp>

namespace loam::console {

struct TerminalKind {
  bool utf8 = true;  // else lines are drawn with + - | and what cannot be said in ASCII is a question mark
  bool colour = true;
};

class FrameWriter {
 public:
  explicit FrameWriter(TerminalKind kind) : kind_(kind) {}

  // What the terminal needs to be told so that it shows the picture. The last cell of the last row stays empty: writing
  // to it scrolls some terminals.
  std::string update(const ftxui::Screen& screen);
  // Somebody else wrote on the terminal: the next update draws all.
  void forget() { shown_.clear(); }

 private:
  struct Cell {
    std::string text;   // empty: the second half of a wide character
    std::string style;  // parameters of SGR
    bool operator==(const Cell&) const = default;
  };
  using Row = std::vector<Cell>;

  Cell cell_of(const ftxui::Pixel& pixel) const;
  std::vector<Row> cells_of(const ftxui::Screen& screen) const;
  void draw_row(std::size_t y, const Row& now, std::string& out);
  void draw_run(std::size_t y, const Row& now, std::size_t first, std::size_t end, std::string& out);

  TerminalKind kind_;
  std::vector<Row> shown_;
  std::string style_;   // that the terminal has now
  std::string cursor_;  // what was said of it last
};

}  // namespace loam::console
