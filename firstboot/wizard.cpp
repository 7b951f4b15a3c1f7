#include "wizard.hpp"

#include <algorithm>
#include <format>

#include "base/text.hpp"
#include "cluster/invitation.hpp"
#include "model/describe.hpp"
#include "model/parse.hpp"
#include "style.hpp"

namespace loam::console {

using namespace ftxui;

namespace {

struct Title {
  std::string_view name;
  std::string_view words;
};

constexpr std::array<Title, wizard_pages> titles = {{
    {"This machine", "What was found here. Warnings keep nobody from going on."},
    {"Network",
     "How this node is reached, and what storage goes over. \"Try it\" brings it up now, so that you see whether it "
     "works."},
    {"Disk of the system",
     "Loam and Kubernetes go here: flash is best, and 64 GiB are enough. Nothing is written before the last page."},
    {"Disks for storage",
     "Which disks become part of the cluster's storage. Only blank ones are taken, unless somebody asks for it later."},
    {"Cluster", "Whether this node founds a cluster, joins one, or stays alone for now."},
    {"Name and services", "How the node is called, and whom it asks for names, time and the internet."},
    {"Access", "Who may do something on this node: with an SSH key from afar, with a password on this console."},
    {"Summary", "This is what will be done. Nothing has been written so far."},
}};

std::optional<Part> part_of(WizardPage page) {
  switch (page) {
    case WizardPage::network: return Part::network;
    case WizardPage::disk: return Part::disk;
    case WizardPage::data: return Part::data;
    case WizardPage::cluster: return Part::cluster;
    case WizardPage::node: return Part::node;
    case WizardPage::access: return Part::access;
    case WizardPage::machine:
    case WizardPage::summary: break;
  }
  return std::nullopt;
}

constexpr std::size_t index_of(WizardPage page) { return static_cast<std::size_t>(page); }

struct FieldPage {
  std::string_view field;  // or how it begins
  WizardPage page;
};
constexpr std::array<FieldPage, 16> field_pages = {{
    {"nic:", WizardPage::network},
    {"bond", WizardPage::network},
    {"vlan", WizardPage::network},
    {"mtu", WizardPage::network},
    {"method", WizardPage::network},
    {"address", WizardPage::network},
    {"gateway", WizardPage::network},
    {"disk", WizardPage::disk},
    {"erase", WizardPage::disk},
    {"data", WizardPage::data},
    {"cluster", WizardPage::cluster},
    {"role", WizardPage::cluster},
    {"vip", WizardPage::cluster},
    {"join", WizardPage::cluster},
    {"ssh_key", WizardPage::access},
    {"password", WizardPage::access},
}};

// The others are names, times and proxies.
WizardPage page_of(std::string_view field) {
  if (field == "keyboard") return WizardPage::machine;
  const auto* const found =
      std::ranges::find_if(field_pages, [&](const FieldPage& one) { return field.starts_with(one.field); });
  return found == field_pages.end() ? WizardPage::node : found->page;
}

}  // namespace

Wizard::Wizard(MachineFacts machine, WizardMode mode)
    : mode_(mode), machine_(std::move(machine)), answers_(first_answers(machine_)) {
  understand();
  open(mode == WizardMode::machine ? WizardPage::machine : WizardPage::network);
}

void Wizard::bring(const std::string& text) {
  auto config = model::parse_config(text, source().empty() ? "loam.yaml" : source());
  if (!config) {
    said_ = config.error().text();
    return;
  }
  answers_ = answers_for(*config, machine_, std::move(answers_));
  const bool whole = mode_ == WizardMode::network && !page_shows_all(config->network, machine_);
  password_hash_ = config->access.console_password_hash ? config->access.console_password_hash->str() : "";
  brought_ = Brought{.config = *std::move(config), .changed = {}};
  // What it does not say is as it was typed.
  if (!brought_->config.install) brought_->changed.insert(Part::disk);
  if (brought_->config.access == model::Access{}) brought_->changed.insert(Part::access);
  if (brought_->config.network.interfaces.empty()) brought_->changed.insert(Part::network);
  touched_.clear();
  understand();
  form_.replace(fields());
  said_ = mode_ == WizardMode::machine
              ? "It is read. What is changed on a page replaces that part of it; what no page asks for stays."
          : whole ? "The network has more than this page shows; what is applied here replaces all of it."
                  : "";
}

void Wizard::bring_keys(const std::string& text) {
  constexpr std::array fields_of_keys = {"ssh_key", "ssh_key_2", "ssh_key_3"};
  std::vector<std::string> keys;
  for (const auto line : split(text, '\n'))
    if (const auto key = std::string(trim(line)); model::SshKey::parse(key)) keys.push_back(key);
  if (keys.empty()) {
    said_ = "What is there has no line that is an SSH key.";
    return;
  }
  const auto taken = std::min(keys.size(), fields_of_keys.size());
  for (std::size_t i = 0; i < fields_of_keys.size(); ++i) answers_[fields_of_keys.at(i)] = i < taken ? keys[i] : "";
  if (brought_) brought_->changed.insert(Part::access);
  understand();
  form_.replace(fields());
  said_ = taken == keys.size() ? std::format("{} keys are there.", taken)
                               : std::format("{} keys are there; the first {} are taken, loamctl apply adds others.",
                                             keys.size(), taken);
}

// Choices that nobody made follow what is found; others stay.
void Wizard::take(MachineFacts machine) {
  machine_ = std::move(machine);
  for (auto& [name, value] : first_answers(machine_))
    if (!brought_ && !touched_.contains(name) &&
        (name.starts_with("nic:") || name == "disk" || name == "bond" || name == "hostname"))
      answers_[name] = value;
  const auto before = yaml();
  understand();
  if (page_ == WizardPage::summary && !meaning_.problems.empty())
    plan_ = what_is_missing();
  else if (page_ == WizardPage::summary && yaml() != before)
    plan_ = "What was found here has changed: back and forth again makes another plan.";
  form_.replace(fields());
}

std::string Wizard::problem_of(std::string_view name) const {
  const auto found = std::ranges::find(meaning_.problems, name, &FieldProblem::field);
  return found == meaning_.problems.end() ? "" : found->text;
}

Field Wizard::field(std::string name, FieldKind kind, std::string label, std::string help,
                    std::vector<Choice> choices) const {
  Field made{.name = std::move(name),
             .kind = kind,
             .label = std::move(label),
             .value = {},
             .choices = std::move(choices),
             .help = std::move(help),
             .problem = {}};
  made.value = answer(answers_, made.name);
  if (touched_.contains(made.name)) made.problem = problem_of(made.name);
  return made;
}

std::vector<Field> Wizard::fields() const {
  switch (page_) {
    case WizardPage::machine: return machine_fields();
    case WizardPage::network: return network_fields();
    case WizardPage::disk: return disk_fields();
    case WizardPage::data: return data_fields();
    case WizardPage::cluster: return cluster_fields();
    case WizardPage::node: return node_fields();
    case WizardPage::access: return access_fields();
    case WizardPage::summary: return summary_fields();
  }
  return {};
}

WizardWish Wizard::open(WizardPage page) {
  page_ = page;
  scrolled_ = 0;
  said_.clear();
  plan_.clear();
  form_ = Form(fields());
  if (page != WizardPage::summary) return WizardWish::nothing;
  if (!meaning_.problems.empty()) {
    plan_ = what_is_missing();
    return WizardWish::nothing;
  }
  plan_ = "loamd looks at the disks ...";
  return WizardWish::plan;
}

void Wizard::understand() { meaning_ = meaning_of(answers_, machine_, password_hash_, brought()); }

void Wizard::password_hashed(std::string hash) {
  password_hash_ = std::move(hash);
  understand();
}

// It was of another password; what was brought counts again when nothing is typed any more.
void Wizard::forget_hash() {
  password_hash_.clear();
  const bool typed = !answer(answers_, "password").empty() || !answer(answers_, "password_again").empty();
  if (!typed && brought_ && brought_->config.access.console_password_hash)
    password_hash_ = brought_->config.access.console_password_hash->str();
}

// What a join string says need not be typed again.
void Wizard::take_invitation() {
  const auto invitation = cluster::parse_join_string(answer(answers_, "join_string"));
  if (!invitation) return;
  answers_["cluster_name"] = invitation->cluster;
  answers_["role"] = model::enum_name(invitation->role);
}

void Wizard::store() {
  for (const auto& one : form_.fields())
    if (one.kind != FieldKind::action) answers_[one.name] = one.value;
  if (const auto* const now = form_.focused(); now != nullptr) {
    touched_.insert(now->name);
    if (now->name.starts_with("password")) forget_hash();
    if (now->name == "join_string") take_invitation();
  }
  if (const auto part = part_of(page_); part && brought_) brought_->changed.insert(*part);
  understand();
  form_.replace(fields());
}

bool Wizard::page_is_good() const {
  return std::ranges::all_of(form_.fields(), [&](const Field& one) { return problem_of(one.name).empty(); });
}

// A page with a problem is not left forwards: its problems are shown, and the first of them gets the keys.
WizardWish Wizard::next() {
  for (const auto& one : form_.fields()) touched_.insert(one.name);
  form_.replace(fields());
  if (!page_is_good()) {
    const auto& all = form_.fields();
    const auto bad = std::ranges::find_if(all, [](const Field& one) { return !one.problem.empty(); });
    if (bad != all.end()) form_.focus(std::string(bad->name));
    return WizardWish::nothing;
  }
  if (mode_ == WizardMode::network || index_of(page_) + 1 >= wizard_pages) return WizardWish::nothing;
  return open(static_cast<WizardPage>(index_of(page_) + 1));
}

WizardWish Wizard::back() {
  if (mode_ == WizardMode::network || page_ == WizardPage::machine) return WizardWish::leave;
  return open(static_cast<WizardPage>(index_of(page_) - 1));
}

WizardWish Wizard::pressed(std::string_view name) {
  if (name == "next") return next();
  if (name == "load") return WizardWish::load;
  if (name == "keys") return WizardWish::load_keys;
  if (name == "try") {
    for (const auto& one : form_.fields()) touched_.insert(one.name);
    form_.replace(fields());
    return page_is_good() ? WizardWish::try_network : WizardWish::nothing;
  }
  // Pages before this one were good when they were left, and what is there may have changed since.
  if (meaning_.problems.empty()) return name == "save" ? WizardWish::save : WizardWish::install;
  said_ = what_is_missing();
  return WizardWish::nothing;
}

// Each with the page on which it is mended.
std::string Wizard::what_is_missing() const {
  std::string all = "Not yet; Esc goes back to what is missing:";
  for (const auto& problem : meaning_.problems)
    all += std::format("\n! {}: {}", titles.at(index_of(page_of(problem.field))).name, problem.text);
  return all;
}

WizardWish Wizard::key(const Key& key) {
  if (key.kind == KeyKind::escape || (key.kind == KeyKind::function && key.number == 3)) return back();
  if (key.kind == KeyKind::function && key.number == 4) return next();
  if (key.kind == KeyKind::page_up || key.kind == KeyKind::page_down) {
    scrolled_ = std::clamp(scrolled_ + (key.kind == KeyKind::page_up ? -10 : 10), 0, std::max(last_line_, 0));
    return WizardWish::nothing;
  }
  scrolled_ = 0;  // what has the keys is in sight before it is pressed
  const auto* const now = form_.focused();
  const std::string name = now == nullptr ? "" : now->name;
  switch (form_.key(key)) {
    case Form::Outcome::left_end: return page_ == WizardPage::summary ? WizardWish::nothing : next();
    case Form::Outcome::pressed: return pressed(name);
    case Form::Outcome::changed: store(); return name == "keyboard" ? WizardWish::keyboard : WizardWish::nothing;
    case Form::Outcome::moved:
    case Form::Outcome::ignored: return WizardWish::nothing;
  }
  return WizardWish::nothing;
}

std::string Wizard::password() const {
  if (!password_hash_.empty()) return {};
  const auto first = answer(answers_, "password");
  return first == answer(answers_, "password_again") ? first : "";
}

std::string Wizard::yaml() const { return model::format_config(meaning_.config); }

// A join string is a secret, and a screen is seen by who comes by.
std::string Wizard::shown_yaml() const {
  auto text = yaml();
  const auto& cluster = meaning_.config.cluster;
  if (!cluster || !cluster->join_string) return text;
  const auto& secret = cluster->join_string->str();
  return text.replace(text.find(secret), secret.size(), "(as it was given)");
}

std::string Wizard::network_yaml() const {
  model::Config only;
  only.network = meaning_.config.network;
  return model::format_config(only);
}

// What a page says above its fields.
std::vector<std::string> Wizard::words(int columns) const {
  const auto about = mode_ == WizardMode::machine
                         ? titles.at(index_of(page_)).words
                         : "How this node is reached. What is applied takes effect at once, and goes back by "
                           "itself unless its probes answer or somebody keeps it.";
  std::vector<std::string> lines = wrapped(about, columns - 2, 0);
  lines.emplace_back();
  const auto add = [&](const std::string& text, std::size_t indent) {
    for (auto& line : wrapped(text, columns - 2, indent)) lines.push_back(std::move(line));
  };
  if (page_ == WizardPage::machine) {
    add(std::format("{}{}", machine_.product.empty() ? "A machine without a name" : machine_.product,
                    machine_.serial.empty() ? "" : ", serial " + machine_.serial),
        0);
    add(std::format("{} processors, {} of memory, {} network cards, {} disks", machine_.processors,
                    format_bytes(machine_.memory), machine_.nics.size(), machine_.disks.size()),
        0);
    lines.emplace_back();
    for (const auto& warned : machine_warnings(machine_)) add("! " + warned, 2);
  }
  if (page_ == WizardPage::disk)
    for (const auto& disk : machine_.disks)
      if (!why_not_for_the_system(disk).empty()) add(std::format("- {}: cannot be chosen", describe(disk)), 2);
  if (page_ == WizardPage::data)
    for (const auto& disk : machine_.disks) {
      const auto place = slot_words(disk);
      add(std::format("- {}{} -> {}", describe(disk), place.empty() ? "" : " (" + place + ")", becomes(disk)), 2);
    }
  return lines;
}

// By what is chosen on this page; loamd's own rules are in the summary's plan.
std::string Wizard::becomes(const DiskFacts& disk) const {
  const auto wanted = answer(answers_, "data");
  if (disk.id == answer(answers_, "disk")) return "the system";
  if (disk.cls != "blank") return "left alone";
  if (disk.removable) return "left alone: removable";
  if (wanted == "none") return "left alone for now";
  if (wanted == "file") return "as the file says";
  return wanted == "all" || disk.rotational ? "storage" : "left alone: no hard disk";
}

// Above the fields, and below them.
Element Wizard::content(int columns) const {
  Elements lines;
  for (auto& line : words(columns)) {
    const bool warned = line.starts_with("! ");
    lines.push_back(hbox({text(" "), warned ? warning(text(line)) : text(line)}));
  }
  const auto document = shown_yaml();
  lines.push_back(form_.render(columns));
  const auto add = [&](const std::string& sentences, const Decorator& style) {
    for (const auto paragraph : split(sentences, '\n'))
      for (auto& line : wrapped(paragraph, columns - 2, 2)) lines.push_back(text(" " + line) | style);
  };
  if (page_ == WizardPage::network && !network_says_.empty()) {
    lines.push_back(text(""));
    add(network_says_, nothing);
  }
  if (!said_.empty()) add(said_, bold);
  if (page_ == WizardPage::summary) {
    add(plan_, nothing);
    for (const auto line : split(document, '\n')) lines.push_back(text("  " + std::string(line)) | dim);
  }
  // Page Up and Down go through what does not fit; else what has the keys is in sight.
  last_line_ = static_cast<int>(lines.size()) - 1;
  if (const auto at = std::min(scrolled_, last_line_); at > 0) lines[static_cast<std::size_t>(at)] |= ftxui::focus;
  return vbox(std::move(lines));
}

Element Wizard::render(int columns) const {
  const bool whole = mode_ == WizardMode::machine;
  return page(whole ? std::format(" Set up Loam: {}", titles.at(index_of(page_)).name) : " Change the network",
              whole ? std::format("{} of {} ", index_of(page_) + 1, wizard_pages) : "", content(columns),
              page_ == WizardPage::machine || !whole
                  ? " Tab next   Enter does it   Esc leaves "
                  : " Tab next   Enter goes on   Esc back   F4 next page   PgDn more ");
}

}  // namespace loam::console
