// A node that runs, on its own screen: how it is, and what may be done about it. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <ftxui/dom/elements.hpp>

#include "form.hpp"
#include "keys.hpp"
#include "node_client.hpp"

namespace loam::console {

// What loamd says; documents are JSON.
struct Facts {
  std::string hostname;
  node::NodeView view;
  std::string machine;
  std::string links;
  std::string disks;
  std::string slots;
  std::string upgrade;
  std::string problem;               // why loamd does not answer; empty if it does
  std::vector<std::string> log;      // the newest lines, if Dashboard::wants_log()
  std::int64_t seconds_of_boot = 0;  // CLOCK_BOOTTIME, now
};

enum class Tab : std::uint8_t { overview, network, disks, system, log };

// What a person asked for here.
struct Deed {
  std::string name;      // as loamd has them, and "setup"; empty: nothing
  std::string password;  // of the console
};

class Dashboard {
 public:
  void take(Facts facts);
  const Facts& facts() const { return facts_; }
  // What became of the last deed.
  void answered(std::string text);

  Deed key(const Key& key);
  ftxui::Element render(int columns, int rows) const;
  // Nobody is there any more: what was typed goes.
  void leave_menu() { menu_ = false; }
  bool wants_log() const { return tab_ == Tab::log && !menu_; }

 private:
  std::vector<std::string> lines(int columns) const;
  std::vector<std::string> overview(int columns) const;
  std::vector<std::string> what_is_there() const;
  std::vector<std::string> table_lines() const;
  struct Excerpt {
    ftxui::Elements lines;
    int more;  // rows below them
  };
  Excerpt excerpt(const std::vector<std::string>& all, int columns, int rows) const;
  void open_menu();
  std::vector<Choice> deeds() const;
  std::vector<Field> menu_fields() const;
  void open_tab(std::size_t index);
  Deed menu_key(const Key& key);
  void scroll(int rows);
  void scroll_sideways(int columns);
  bool unconfigured() const;
  bool installed() const;  // it runs from its disk
  std::string door() const;
  std::string cluster_vip() const;

  Facts facts_;
  Tab tab_ = Tab::overview;
  int first_row_ = 0;         // of the log: rows back from its end
  mutable int last_row_ = 0;  // that the first can be, as it was drawn last
  int first_column_ = 0;
  mutable int last_column_ = 0;  // as it was drawn last, too
  bool menu_ = false;
  Form form_;
  std::string said_;
};

}  // namespace loam::console
