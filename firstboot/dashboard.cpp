#include "dashboard.hpp"

#include <algorithm>
#include <format>
#include <ftxui/screen/string.hpp>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "failure.hpp"
#include "node_text.hpp"
#include "style.hpp"

namespace loam::console {

using namespace ftxui;
using nlohmann::json;

namespace {

constexpr std::array<std::string_view, 5> tabs = {"1 Overview", "2 Network", "3 Disks", "4 System", "5 Log"};

json document(const std::string& text) {
  auto value = json::parse(text, nullptr, false);
  return value.is_discarded() ? json() : value;
}

bool is_vip(const std::string& address, const std::string& vip) {
  return address.substr(0, address.find('/')) == vip.substr(0, vip.find('/'));
}

std::string addresses(const json& links, const std::string& vip) {
  std::string text;
  const auto list = links.is_object() ? links.value("links", json::array()) : json::array();
  for (const auto& link : list)
    for (const auto& address : link.value("addresses", json::array()))
      if (const auto value = address.get<std::string>(); !value.starts_with("fe80:") && !is_vip(value, vip))
        text += std::format("  {} {}", link.value("name", ""), value);
  return text;
}

// "bond0 2 of 2 links, LACP with 00:1c:73:aa:bb:01"
std::string bond_words(const json& bond, const json& links) {
  int members = 0;
  int active = 0;
  std::vector<std::string> partners;
  for (const auto& link : links) {
    if (link.value("master", "") != bond.value("name", "")) continue;
    ++members;
    if (const auto port = link.find("port"); port != link.end() && port->value("working", false)) ++active;
    const auto partner = link.find("lacp_partner");
    if (partner != link.end() && !std::ranges::contains(partners, partner->value("mac", "")))
      partners.push_back(partner->value("mac", ""));
  }
  return std::format("{} {} of {} links{}{}", bond.value("name", ""), active, members,
                     partners.empty() ? "" : ", LACP with ", join(partners, " and "));
}

std::string bonds(const json& document) {
  const auto links = document.is_object() ? document.value("links", json::array()) : json::array();
  std::vector<std::string> all;
  for (const auto& link : links)
    if (link.value("kind", "") == "bond") all.push_back(bond_words(link, links));
  return all.empty() ? "" : "Bonds: " + join(all, "; ");
}

// "12 disks: 10 osd, 1 os, 1 foreign"
std::string disk_counts(const json& disks) {
  if (!disks.is_array() || disks.empty()) return "";
  std::map<std::string, int> counts;
  for (const auto& disk : disks) ++counts[disk.value("class", "")];
  std::vector<std::string> words;
  words.reserve(counts.size());
  for (const auto& [cls, count] : counts) words.push_back(std::format("{} {}", count, cls));
  return std::format("{} disks: {}", disks.size(), join(words, ", "));
}

// "slot a 0.1.0 (runs, blessed)"
std::string slot_words(const json& slots) {
  if (!slots.is_object() || slots.value("live", false)) return "";
  std::vector<std::string> words;
  for (const auto& slot : slots.value("slots", json::array()))
    if (!slot.value("version", "").empty())
      words.push_back(std::format("{} {}{} {}", slot.value("slot", ""), slot.value("version", ""),
                                  slot.value("booted", false) ? " (runs)" : "", slot.value("text", "")));
  return words.empty() ? "" : "Slots: " + join(words, "; ");
}

// "OSDs: 2 here; 1 of a disk that is not there"
std::string osd_words(const json& disks) {
  if (!disks.is_array()) return "";
  int here = 0;
  int gone = 0;
  for (const auto& disk : disks)
    if (disk.value("use", "") == "osd") ++(disk.value("class", "") == "gone" ? gone : here);
  if (here + gone == 0) return "";
  return std::format("OSDs: {} here{}", here, gone == 0 ? "" : std::format("; {} of disks that are not there", gone));
}

// "VIP 192.0.2.5 (here)"
std::string vip_words(const std::string& vip, const json& links) {
  if (vip.empty() || !links.is_object()) return "";
  const auto list = links.value("links", json::array());
  const bool here = std::ranges::any_of(list, [&](const json& link) {
    const auto all = link.value("addresses", json::array());
    return std::ranges::any_of(all, [&](const json& one) { return is_vip(one.get<std::string>(), vip); });
  });
  return std::format("VIP {} ({})", vip.substr(0, vip.find('/')), here ? "here" : "elsewhere");
}

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  for (const auto line : split(text, '\n')) lines.emplace_back(line);
  return lines;
}

Choice choice(std::string value, std::string label) { return {std::move(value), std::move(label)}; }

}  // namespace

// An installed node whose loam.yaml cannot be used is none.
bool Dashboard::unconfigured() const {
  const auto machine = document(facts_.machine);
  return facts_.view.state == "unconfigured" && machine.is_object() && machine.value("live", false);
}

bool Dashboard::installed() const {
  const auto machine = document(facts_.machine);
  return machine.is_object() && !machine.value("live", true);
}

// As loamd has it, who asks for the password: open, password, closed, or lost.
std::string Dashboard::door() const {
  const auto machine = document(facts_.machine);
  const auto found = machine.find("console");
  return found != machine.end() && found->is_string() ? found->get<std::string>() : "password";
}

std::string Dashboard::cluster_vip() const {
  const auto machine = document(facts_.machine);
  const auto found = machine.find("vip");
  return found != machine.end() && found->is_string() ? found->get<std::string>() : "";
}

// What can be done may have changed while somebody looks at the list of it.
void Dashboard::take(Facts facts) {
  facts_ = std::move(facts);
  if (!menu_) return;
  auto fields = menu_fields();
  for (auto& field : fields) {
    const auto typed = std::ranges::find(form_.fields(), field.name, &Field::name);
    if (typed == form_.fields().end()) continue;
    const bool there = field.choices.empty() || std::ranges::contains(field.choices, typed->value, &Choice::value);
    if (there) field.value = typed->value;
  }
  form_.replace(std::move(fields));
}

void Dashboard::answered(std::string text) {
  if (tab_ == Tab::log) open_tab(0);  // which shows its end
  said_ = std::move(text);
}

std::vector<std::string> Dashboard::overview(int columns) const {
  std::vector<std::string> all;
  const auto add = [&](const std::string& text, std::size_t indent) {
    for (const auto paragraph : split(text, '\n'))
      for (auto& line : wrapped(paragraph, columns - 2, indent)) all.push_back(" " + line);
  };
  const auto& view = facts_.view;
  if (!facts_.problem.empty()) add("!! " + facts_.problem + ". The log of this machine is on 5.", 3);
  if (view.version.empty()) return all;
  if (!facts_.problem.empty()) add("What follows is as it was before.", 0);
  if (const auto left = view.network_goes_back - facts_.seconds_of_boot; view.network_goes_back > 0)
    add(std::format("!! The network goes back in {} s unless it proves itself{}.", std::max<std::int64_t>(left, 0),
                    installed() ? " or is kept (Enter)" : ""),
        3);
  const auto failure = failure_of(view.conditions, !installed());
  if (failure)
    for (auto& line : page_of(*failure, columns)) all.push_back(std::move(line));
  for (const auto* const status : {"false", "unknown", "true"})
    for (const auto& condition : view.conditions)
      if (condition.status == status && !(failure && failure->why == condition.message)) {
        const auto* const mark = condition.status == "true" ? "ok" : condition.status == "false" ? "!!" : "..";
        add(std::format("{} {}: {}", mark, condition.type, condition.message), 3);
      }
  if (const auto progress = node::progress_text(view.progress); !progress.empty()) add(">> " + progress, 3);
  if (!failure && std::ranges::contains(view.conditions, "false", &node::Condition::status))
    add("Enter: try again what failed. 5: the log.", 0);
  all.emplace_back();
  for (const auto& line : what_is_there())
    if (!line.empty()) add(line, 2);
  return all;
}

// Empty: nothing is known of it.
std::vector<std::string> Dashboard::what_is_there() const {
  const auto links = document(facts_.links);
  const auto disks = document(facts_.disks);
  const auto vip = cluster_vip();
  const auto reach = addresses(links, vip);
  return {reach.empty() ? "No network address yet." : "Addresses:" + reach,
          vip_words(vip, links),
          bonds(links),
          disk_counts(disks),
          osd_words(disks),
          slot_words(document(facts_.slots))};
}

std::vector<std::string> Dashboard::table_lines() const {
  const auto links = document(facts_.links);
  const auto disks = document(facts_.disks);
  const auto slots = document(facts_.slots);
  const auto upgrade = document(facts_.upgrade);
  switch (tab_) {
    case Tab::network: return split_lines(links.is_object() ? node::links_text(links) : "Not known yet.");
    case Tab::disks: return split_lines(disks.is_array() ? node::disks_text(disks) : "Not known yet.");
    case Tab::system:
      return split_lines((slots.is_object() ? node::slots_text(slots) : "") + "\n" +
                         (upgrade.is_object() ? node::upgrade_text(upgrade) : ""));
    case Tab::log: return facts_.log.empty() ? std::vector<std::string>{" The log has no line yet."} : facts_.log;
    case Tab::overview: break;
  }
  return {};
}

std::vector<std::string> Dashboard::lines(int columns) const {
  try {
    return tab_ == Tab::overview ? overview(columns) : table_lines();
  } catch (const json::exception& problem) {
    return {" What loamd says cannot be read: " + printable(problem.what(), 100)};
  }
}

void Dashboard::scroll(int rows) {
  const auto by = tab_ == Tab::log ? -rows : rows;
  first_row_ = std::clamp(std::min(first_row_, last_row_) + by, 0, std::max(last_row_, 0));
}

void Dashboard::scroll_sideways(int columns) {
  first_column_ = std::clamp(std::min(first_column_, last_column_) + columns, 0, std::max(last_column_, 0));
}

void Dashboard::open_tab(std::size_t index) {
  tab_ = static_cast<Tab>(index);
  first_row_ = first_column_ = 0;
}

void Dashboard::open_menu() {
  menu_ = true;
  said_.clear();
  form_ = Form(menu_fields());
}

std::vector<Choice> Dashboard::deeds() const {
  std::vector<Choice> all;
  const auto support = choice("support", "Collect what support needs, on a stick labelled LOAM too");
  const auto reboot = choice("reboot", "Restart this machine");
  const auto poweroff = choice("poweroff", "Switch it off");
  if (door() == "lost") return {support, reboot, poweroff};
  if (unconfigured()) all.push_back(choice("setup", "Set up this machine"));
  all.push_back(choice("retry", "Try again what failed"));
  const auto& conditions = facts_.view.conditions;
  if (std::ranges::any_of(conditions, [](const auto& one) { return one.reason == "OnTrial"; })) {
    all.push_back(choice("confirm", "Keep the changed network"));
    all.push_back(choice("revert", "Go back to the network before"));
  }
  if (installed()) all.push_back(choice("network-now", "Change the network"));
  all.push_back(support);
  if (installed()) all.push_back(choice("shell", "Root shell, if loam.yaml allows it"));
  all.push_back(reboot);
  all.push_back(poweroff);
  return all;
}

std::vector<Field> Dashboard::menu_fields() const {
  const auto possible = deeds();
  const auto asked_by = door();
  Field what{.name = "deed",
             .kind = FieldKind::choice,
             .label = "What to do",
             .value = possible.front().value,
             .choices = possible,
             .help = asked_by == "lost"
                         ? "Its loam.yaml is lost, and the password with it: more cannot be done from here."
                         : "",
             .problem = {}};
  Field secret{.name = "password",
               .kind = FieldKind::secret,
               .label = "Console password",
               .value = {},
               .choices = {},
               .help = "As loam.yaml has it; Enter does it, Esc leaves.",
               .problem = {}};
  return asked_by == "open" || asked_by == "lost" ? std::vector{what} : std::vector{what, secret};
}

Deed Dashboard::menu_key(const Key& key) {
  if (key.kind == KeyKind::escape) {
    menu_ = false;
    return {};
  }
  const bool choosing = form_.focused() != nullptr && form_.focused()->kind == FieldKind::choice;
  // Up and down go through a list of things to do, as everywhere.
  if (choosing && (key.kind == KeyKind::up || key.kind == KeyKind::down)) {
    form_.key({key.kind == KeyKind::up ? KeyKind::left : KeyKind::right, {}, 0});
    return {};
  }
  if (form_.key(key) != Form::Outcome::left_end) return {};
  Deed deed;
  for (const auto& field : form_.fields()) (field.name == "deed" ? deed.name : deed.password) = field.value;
  menu_ = false;
  return deed;
}

Deed Dashboard::key(const Key& key) {
  if (menu_) return menu_key(key);
  switch (key.kind) {
    case KeyKind::up: scroll(-1); break;
    case KeyKind::down: scroll(1); break;
    case KeyKind::page_up: scroll(-10); break;
    case KeyKind::page_down: scroll(10); break;
    case KeyKind::left: scroll_sideways(-8); break;
    case KeyKind::right: scroll_sideways(8); break;
    case KeyKind::tab: open_tab((static_cast<std::size_t>(tab_) + 1) % tabs.size()); break;
    case KeyKind::enter:
    case KeyKind::function: open_menu(); break;
    case KeyKind::text:
      if (key.text >= "1" && key.text <= "5" && key.text.size() == 1)
        open_tab(static_cast<std::size_t>(key.text[0] - '1'));
      break;
    default: break;
  }
  return {};
}

// What fits, from where it was scrolled to.
Dashboard::Excerpt Dashboard::excerpt(const std::vector<std::string>& all, int columns, int rows) const {
  const auto room = std::max(rows - 3, 1);
  last_row_ = std::max(0, static_cast<int>(all.size()) - room);
  const auto from = std::min(first_row_, last_row_);
  const auto first = tab_ == Tab::log ? last_row_ - from : from;
  const std::vector<std::string> seen(all.begin() + first,
                                      all.begin() + std::min(first + room, static_cast<int>(all.size())));
  last_column_ = 0;
  for (const auto& line : seen)
    if (tab_ != Tab::overview) last_column_ = std::max(last_column_, string_width(line) - columns);
  const auto column = static_cast<std::size_t>(std::min(first_column_, last_column_));
  Elements shown;
  for (const auto& line : seen) {
    auto end = text(split_at(line, column).second);
    shown.push_back(line.starts_with(" !!") ? warning(end) : end);
  }
  return {.lines = std::move(shown), .more = last_row_ - first};
}

Element Dashboard::render(int columns, int rows) const {
  const auto& view = facts_.view;
  const auto title = facts_.problem.empty()
                         ? std::format(" Loam {} on {}: {}", view.version, facts_.hostname, view.state)
                         : std::format(" Loam on {}", facts_.hostname);
  if (menu_) return page(title, "", vbox({text(""), form_.render(columns)}), " Enter does it   Esc leaves ");
  auto all = lines(columns);
  if (!said_.empty()) {
    std::vector<std::string> said;
    for (const auto paragraph : split(said_, '\n'))
      for (auto& line : wrapped(paragraph, columns - 2, 2)) said.push_back(" " + line);
    said.emplace_back();
    all.insert(all.begin(), said.begin(), said.end());
  }
  auto seen = excerpt(all, columns, rows);
  std::string names;
  for (std::size_t i = 0; i < tabs.size(); ++i)
    names += i == static_cast<std::size_t>(tab_) ? std::format(" [{}]", tabs.at(i)) : std::format("  {} ", tabs.at(i));
  const auto more = seen.more > 0 ? std::format("{} more lines: Down ", seen.more) : std::string();
  return page(title, more, vbox(std::move(seen.lines)), names + "   Enter: what can be done ");
}

}  // namespace loam::console
