#include "frame_writer.hpp"

#include <algorithm>
#include <array>
#include <format>
#include <string_view>
#include <utility>

#include <ftxui/screen/string.hpp>

namespace loam::console {

namespace {

// To go on over so many cells that did not change costs no more than to move the cursor.
constexpr std::size_t short_gap = 6;

struct Plain {
  std::string_view drawn;
  std::string_view ascii;
};

// What is drawn with here; FTXUI's lines and gauges too.
constexpr std::array<Plain, 30> plain = {{
    {"─", "-"}, {"│", "|"}, {"┌", "+"}, {"┐", "+"}, {"└", "+"}, {"┘", "+"}, {"├", "+"}, {"┤", "+"},
    {"┬", "+"}, {"┴", "+"}, {"┼", "+"}, {"╭", "+"}, {"╮", "+"}, {"╰", "+"}, {"╯", "+"}, {"━", "="},
    {"█", "#"}, {"▉", "#"}, {"▊", "#"}, {"▋", "#"}, {"▌", "#"}, {"▍", "-"}, {"▎", "-"}, {"▏", "-"},
    {"●", "*"}, {"○", "o"}, {"✓", "+"}, {"…", "~"}, {"┃", "|"}, {"╹", "|"},
}};

std::string ascii_of(const std::string& text) {
  if (text.size() == 1 && static_cast<unsigned char>(text[0]) >= 0x20 && text[0] != 0x7f) return text;
  const auto* const found = std::ranges::find(plain, std::string_view(text), &Plain::drawn);
  return found == plain.end() ? "?" : std::string(found->ascii);
}

std::string style_of(const ftxui::Pixel& pixel, bool colour) {
  std::string style = "0";
  if (pixel.bold) style += ";1";
  if (pixel.dim) style += ";2";
  if (pixel.underlined) style += ";4";
  if (pixel.inverted) style += ";7";
  if (colour && pixel.foreground_color != ftxui::Color::Default) style += ";" + pixel.foreground_color.Print(false);
  return style;
}

}  // namespace

FrameWriter::Cell FrameWriter::cell_of(const ftxui::Pixel& pixel) const {
  Cell cell{.text = pixel.character, .style = style_of(pixel, kind_.colour)};
  if (!kind_.utf8) cell.text = cell.text.empty() ? " " : ascii_of(cell.text);
  return cell;
}

std::vector<FrameWriter::Row> FrameWriter::cells_of(const ftxui::Screen& screen) const {
  std::vector<Row> rows;
  for (int y = 0; y < screen.dimy(); ++y) {
    auto& row = rows.emplace_back();
    for (int x = 0; x < screen.dimx(); ++x) row.push_back(cell_of(screen.PixelAt(x, y)));
    // One that is wide and was cut off would move all that follows.
    for (std::size_t x = 0; kind_.utf8 && x < row.size(); ++x)
      if (ftxui::string_width(row[x].text) > 1 && (x + 1 == row.size() || !row[x + 1].text.empty())) row[x].text = "?";
  }
  if (!rows.empty() && !rows.back().empty()) rows.back().back() = {.text = " ", .style = "0"};
  return rows;
}

void FrameWriter::draw_run(std::size_t y, const Row& now, std::size_t first, std::size_t end, std::string& out) {
  out += std::format("\x1b[{};{}H", y + 1, first + 1);
  for (std::size_t x = first; x < end; ++x) {
    if (now[x].text.empty()) continue;
    if (now[x].style != style_) {
      style_ = now[x].style;
      out += std::format("\x1b[{}m", style_);
    }
    out += now[x].text;
  }
}

void FrameWriter::draw_row(std::size_t y, const Row& now, std::string& out) {
  const auto& before = shown_[y];
  std::size_t x = 0;
  while (x < now.size()) {
    if (now[x] == before[x]) {
      ++x;
      continue;
    }
    std::size_t end = x + 1;
    for (std::size_t next = end; next < now.size() && next <= end + short_gap; ++next)
      if (now[next] != before[next]) end = next + 1;
    // A wide character is drawn from its first half.
    const auto first = x > 0 && now[x].text.empty() ? x - 1 : x;
    draw_run(y, now, first, end, out);
    x = end;
  }
}

std::string FrameWriter::update(const ftxui::Screen& screen) {
  auto now = cells_of(screen);
  std::string out;
  const bool same_size = shown_.size() == now.size() && !now.empty() && shown_[0].size() == now[0].size();
  if (!same_size) {
    out = "\x1b[0m\x1b[H\x1b[2J";
    style_ = "0";
    cursor_.clear();
    shown_.assign(now.size(), Row(now.empty() ? 0 : now[0].size(), Cell{.text = " ", .style = "0"}));
  }
  for (std::size_t y = 0; y < now.size(); ++y) draw_row(y, now[y], out);
  shown_ = std::move(now);
  const auto cursor = screen.cursor();
  auto place = cursor.shape == ftxui::Screen::Cursor::Hidden
                   ? std::string("\x1b[?25l")
                   : std::format("\x1b[{};{}H\x1b[?25h", cursor.y + 1, cursor.x + 1);
  // Whatever was drawn moved it.
  if (out.empty() && place == cursor_) return out;
  cursor_ = place;
  return out + place;
}

}  // namespace loam::console
