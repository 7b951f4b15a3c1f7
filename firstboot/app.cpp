#include "app.hpp"

#include <algorithm>
#include <array>
#include <format>
#include <utility>

#include "failure.hpp"

namespace loam::console {

MachineFacts App::machine() const {
  const auto& facts = dashboard_.facts();
  auto machine = machine_facts(facts.machine, facts.links, facts.disks);
  constexpr std::array<std::string_view, 2> nobodys = {"loam", "localhost"};  // the image's own, and the kernel's
  if (!std::ranges::contains(nobodys, facts.hostname)) machine.hostname = facts.hostname;
  return machine;
}

namespace {

std::string told_in_wizard(const std::optional<Failure>& failure) {
  if (!failure) return {};
  return std::format(
      "{}\nWhy: {}\nWhat to do: {}\nThe log: Esc back to the first page and out, then 5.\nTry again: Install.",
      failure->what, failure->why, failure->remedy);
}

}  // namespace

void App::take(Facts facts) {
  dashboard_.take(std::move(facts));
  if (!wizard_) return;
  wizard_->take(machine());
  if (wizard_->mode() == WizardMode::network) return;
  const auto& conditions = dashboard_.facts().view.conditions;
  // It is done: what comes now is the dashboard's to say. If it failed, why.
  const auto install = std::ranges::find(conditions, "Install", &node::Condition::type);
  if (install != conditions.end() && install->status == "true") return wizard_.reset();
  const bool any = install != conditions.end() && install->status == "false";
  const auto failed = any ? told_in_wizard(failure_of(conditions, true)) : std::string();
  // Once for each installation: what is done after that has answers of its own.
  if (failed != std::exchange(install_failed_, failed) && !failed.empty()) wizard_->answered(failed);
  std::string said;
  for (const auto& condition : conditions)
    if (condition.type == "Network" || condition.type == "NetworkChange")
      said += (said.empty() ? "" : "\n") + condition.message;
  wizard_->network_says(std::move(said));
}

// While an installation runs, how far it is; the wizard comes back if it fails.
bool App::in_wizard() const { return wizard_ && wizard_open_ && dashboard_.facts().view.state != "installing"; }

void App::answer_wizard(const std::string& order, const Result<std::string>& answer) {
  const auto text = answer ? *answer : answer.error().text();
  if (order == "plan") {
    if (plans_awaited_ == 0)  // else it is of what stood there before
      wizard_->plan_is(answer ? text
                              : "! There is no plan: " + text +
                                    "\nEsc goes back to where it is mended; F4 then makes another plan.");
    return;
  }
  if (order == "setup" && answer) install_failed_.clear();  // another one may fail by the same
  if (order == "load" && answer && !std::exchange(loading_, false))
    return wizard_->answered(
        "It was read too late: something was typed meanwhile. Read it again, if it is still wanted.");
  if (order == "load" && answer) return wizard_->bring(*answer);
  if (order == "keys" && answer) return wizard_->bring_keys(*answer);
  // What came of a changed network is the dashboard's to show.
  if (order == "network" && answer) {
    wizard_.reset();
    wizard_open_ = false;
    password_.clear();
    return dashboard_.answered(text);
  }
  wizard_->answered(text);
}

Order App::answered(const std::string& order, const Result<std::string>& answer) {
  under_way_.erase(order);
  if (order == "plan") --plans_awaited_;
  // Who holds the key goes through many.
  if (order == "keyboard" && keyboard_wanted_ != keyboard_) return ask_keyboard();
  take_answer(order, answer);
  const auto layout = wizard_ && wizard_->mode() == WizardMode::machine ? wizard_->keyboard() : keyboard_;
  if (order != "load" || layout == keyboard_wanted_) return {};
  keyboard_wanted_ = layout;
  return ask_keyboard();
}

// One at a time: the answer to it brings the next.
Order App::ask_keyboard() {
  if (!under_way_.insert("keyboard").second) return {};
  keyboard_ = keyboard_wanted_;
  return {.name = "keyboard", .argument = keyboard_, .password = password_, .new_password = {}};
}

// A wrong password opens no wizard, and is not tried again by itself.
void App::may_stay(const Result<std::string>& answer) {
  if (answer || !wizard_) return;
  if (password_.empty()) return wizard_->answered(answer.error().text());
  password_.clear();
  wizard_open_ = false;
  dashboard_.answered(answer.error().text());
}

void App::take_answer(const std::string& order, const Result<std::string>& answer) {
  if (order == "network-now" && answer) {
    wizard_.emplace(machine(), WizardMode::network);
    wizard_->bring(*answer);
    wizard_open_ = true;
  } else if (order == "wizard") {
    may_stay(answer);
  } else if (order == "plan" || order == "load" || order == "keys" || order == "keyboard") {
    if (wizard_) answer_wizard(order, answer);  // theirs, whoever looks at what
  } else if (in_wizard() && (order != "network" || std::exchange(network_asked_, false))) {
    answer_wizard(order, answer);
  } else {
    dashboard_.answered(answer ? *answer : answer.error().text());
  }
}

void App::nobody_is_there() {
  dashboard_.leave_menu();
  if (password_.empty()) return;
  password_.clear();
  wizard_open_ = false;
  if (wizard_ && wizard_->mode() == WizardMode::network) wizard_.reset();
}

Order App::wizard_key(const Key& key) {
  const auto before = wizard_->answers();
  const auto wish = wizard_->key(key);
  if (wizard_->answers() != before) loading_ = false;
  const auto order = [&](std::string name, std::string argument, std::string new_password = {}) {
    if (name == "plan") {
      ++plans_awaited_;
    } else {
      wizard_->answered("It is under way ...");
      if (!under_way_.insert(name).second) return Order{};  // it is answered before it is asked for again
    }
    return Order{.name = std::move(name),
                 .argument = std::move(argument),
                 .password = password_,
                 .new_password = std::move(new_password)};
  };
  switch (wish) {
    case WizardWish::try_network:
      network_asked_ = wizard_->mode() == WizardMode::network;
      return order(wizard_->mode() == WizardMode::network ? "network" : "try-network", wizard_->network_yaml());
    case WizardWish::install: return order("setup", wizard_->yaml(), wizard_->password());
    case WizardWish::save: return order("save", wizard_->yaml(), wizard_->password());
    case WizardWish::plan: return order("plan", wizard_->yaml());
    case WizardWish::load: loading_ = true; return order("load", wizard_->source());
    case WizardWish::load_keys: return order("keys", wizard_->keys_source());
    case WizardWish::keyboard: keyboard_wanted_ = wizard_->keyboard(); return ask_keyboard();
    case WizardWish::leave:
      wizard_open_ = false;
      network_asked_ = false;
      password_.clear();
      if (wizard_->mode() == WizardMode::network) wizard_.reset();
      return {};
    case WizardWish::nothing: break;
  }
  return {};
}

Order App::dashboard_key(const Key& key) {
  const auto deed = dashboard_.key(key);
  if (deed.name != "setup") {
    if (deed.name == "network-now") password_ = deed.password;
    if (!deed.name.empty()) dashboard_.answered(deed.name == "network-now" ? "" : "It is under way ...");
    return {.name = deed.name, .argument = {}, .password = deed.password, .new_password = {}};
  }
  if (!wizard_) wizard_.emplace(machine());
  password_ = deed.password;
  wizard_open_ = true;
  take(dashboard_.facts());
  return {};
}

Order App::key(const Key& key) { return in_wizard() ? wizard_key(key) : dashboard_key(key); }

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
