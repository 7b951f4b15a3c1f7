// All that the console shows: the dashboard, and the wizard on a machine that is not set up. Pure.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <variant>

#include <ftxui/dom/elements.hpp>
#include <ftxui/screen/screen.hpp>

#include "dashboard.hpp"
#include "wizard.hpp"

namespace loam::console {

// What is to be asked of loamd; the answer comes back through App::answered.
struct Order {
  std::string name;          // a deed as loamd has them; empty: nothing
  std::string argument;      // loam.yaml
  std::string password;      // of this console
  std::string new_password;  // that was typed into the wizard: loam.yaml gets its hash
};

class App {
 public:
  void take(Facts facts);
  Order key(const Key& key);
  // What follows from it: the keyboard's layout of a loam.yaml that was read.
  Order answered(const std::string& order, const Result<std::string>& answer);
  // Somebody is in the wizard, so that nothing may install by itself: as long as keys come, stay() is asked of loamd.
  bool setting_up() const { return in_wizard() && wizard_->mode() == WizardMode::machine; }
  Order stay() const { return {.name = "wizard", .argument = {}, .password = password_, .new_password = {}}; }
  // Nobody has pressed a key for long: what a password opened is closed.
  void nobody_is_there();
  bool wants_log() const { return !in_wizard() && dashboard_.wants_log(); }
  ftxui::Screen picture(int columns, int rows) const;
  // loam.yaml of the wizard with the hash of the password that was typed there.
  std::string yaml_with_password(const std::string& hash);
  const Wizard* wizard() const { return wizard_ ? &*wizard_ : nullptr; }

 private:
  Order wizard_key(const Key& key);
  Order ask_keyboard();
  Order dashboard_key(const Key& key);
  void take_answer(const std::string& order, const Result<std::string>& answer);
  void answer_wizard(const std::string& order, const Result<std::string>& answer);
  void may_stay(const Result<std::string>& answer);
  bool in_wizard() const;
  MachineFacts machine() const;

  Dashboard dashboard_;
  std::optional<Wizard> wizard_;  // what was typed stays when it is left
  bool wizard_open_ = false;
  std::set<std::string> under_way_;  // orders that are not answered yet, but for plans
  int plans_awaited_ = 0;
  std::string keyboard_ = "us";  // as the kernel has it, or soon will
  std::string keyboard_wanted_ = "us";
  bool loading_ = false;        // a file is being read, and nothing was typed since
  bool network_asked_ = false;  // from the page that is open
  std::string install_failed_;  // why, as it was told
  std::string password_;        // that opened these pages
};

}  // namespace loam::console
