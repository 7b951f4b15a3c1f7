#include "app.hpp"

#include <algorithm>

namespace loam::console {

MachineFacts App::machine() const {
  const auto& facts = dashboard_.facts();
  return machine_facts(facts.machine, facts.links, facts.disks);
}

void App::take(Facts facts) {
  dashboard_.take(std::move(facts));
  if (!wizard_) return;
  wizard_->take(machine());
  const auto& conditions = dashboard_.facts().view.conditions;
  // It is done: what comes now is the dashboard's to say. If it failed, why.
  const auto install = std::ranges::find(conditions, "Install", &node::Condition::type);
  if (install != conditions.end() && install->status == "true") return wizard_.reset();
  if (install != conditions.end() && install->status == "false") wizard_->answered(install->message);
  std::string said;
  for (const auto& condition : conditions)
    if (condition.type == "Network" || condition.type == "NetworkChange")
      said += (said.empty() ? "" : "\n") + condition.message;
  wizard_->network_says(std::move(said));
}

// While an installation runs, how far it is; the wizard comes back if it fails.
bool App::in_wizard() const { return wizard_ && wizard_open_ && dashboard_.facts().view.state != "installing"; }

void App::answered(const std::string& text) {
  if (in_wizard())
    wizard_->answered(text);
  else
    dashboard_.answered(text);
}

Order App::wizard_key(const Key& key) {
  const auto order = [&](std::string name) {
    return Order{
        .name = std::move(name), .argument = wizard_->yaml(), .password = {}, .new_password = wizard_->password()};
  };
  switch (wizard_->key(key)) {
    case WizardWish::try_network:
      return {.name = "try-network", .argument = wizard_->network_yaml(), .password = {}, .new_password = {}};
    case WizardWish::install: return order("setup");
    case WizardWish::save: return order("save");
    case WizardWish::leave: wizard_open_ = false; return {};
    case WizardWish::nothing: break;
  }
  return {};
}

Order App::key(const Key& key) {
  if (in_wizard()) return wizard_key(key);
  const auto deed = dashboard_.key(key);
  if (deed.name != "setup") return {.name = deed.name, .argument = {}, .password = deed.password, .new_password = {}};
  if (!wizard_) wizard_.emplace(machine());
  wizard_open_ = true;
  take(dashboard_.facts());
  return {};
}

std::string App::yaml_with_password(const std::string& hash) {
  if (!wizard_) return {};
  wizard_->password_hashed(hash);
  return wizard_->yaml();
}

ftxui::Screen App::picture(int columns, int rows) const {
  ftxui::Screen screen(std::max(columns, 20), std::max(rows, 5));
  screen.SetCursor({.x = 0, .y = 0, .shape = ftxui::Screen::Cursor::Hidden});  // FTXUI leaves it as it was
  auto element = in_wizard() ? wizard_->render(screen.dimx()) : dashboard_.render(screen.dimx(), screen.dimy());
  ftxui::Render(screen, element);
  return screen;
}

}  // namespace loam::console
