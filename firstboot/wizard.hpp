// The pages on which a person says what a new node shall be. Nothing is done before the last one is confirmed. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <ftxui/dom/elements.hpp>

#include "answers.hpp"
#include "form.hpp"
#include "keys.hpp"

namespace loam::console {

enum class WizardPage : std::uint8_t { machine, network, disk, data, cluster, node, access, summary };
inline constexpr std::size_t wizard_pages = 8;

// What the wizard wants done; the answer comes back through the methods named.
enum class WizardWish : std::uint8_t {
  nothing,
  try_network,  // network_yaml()
  install,      // yaml(), whole
  save,         // yaml() to a stick
  plan,         // yaml(): what would be done; loamd's answer is for plan_is()
  load,         // source(): a loam.yaml from elsewhere, for bring()
  load_keys,    // keys_source(): SSH keys, for bring_keys()
  keyboard,     // answers()["keyboard"], at once
  leave,        // back to the dashboard
};

// A whole machine, or the network of a node that runs.
enum class WizardMode : std::uint8_t { machine, network };

class Wizard {
 public:
  explicit Wizard(MachineFacts machine, WizardMode mode = WizardMode::machine);

  // What is there changed: what was typed stays.
  void take(MachineFacts machine);
  // What the node says of its network as it is now, sentences; empty if that is not known.
  void network_says(std::string text) { network_says_ = std::move(text); }
  // What became of the last wish that says something, such as where a file was saved.
  void answered(std::string text) { said_ = std::move(text); }
  // A loam.yaml from elsewhere: it stands where nobody types anything else.
  void bring(const std::string& text);
  // Lines of an authorized_keys file.
  void bring_keys(const std::string& text);
  void plan_is(std::string text) { plan_ = std::move(text); }
  // Of password(): loam.yaml has only that.
  void password_hashed(std::string hash);

  WizardWish key(const Key& key);
  ftxui::Element render(int columns) const;

  WizardPage at() const { return page_; }
  WizardMode mode() const { return mode_; }
  std::string keyboard() const { return answer(answers_, "keyboard"); }
  std::string source() const { return answer(answers_, "source"); }
  std::string keys_source() const { return answer(answers_, "keys_source"); }
  const Answers& answers() const { return answers_; }
  const std::vector<FieldProblem>& problems() const { return meaning_.problems; }
  // The password that was typed twice, if it has no hash yet; empty if none was, or two.
  std::string password() const;
  std::string yaml() const;
  std::string network_yaml() const;  // the network and nothing else

 private:
  std::vector<Field> fields() const;
  std::vector<Field> machine_fields() const;
  std::vector<Field> network_fields() const;
  std::vector<Field> disk_fields() const;
  std::vector<Field> data_fields() const;
  std::vector<Field> cluster_fields() const;
  std::vector<Field> node_fields() const;
  std::vector<Field> access_fields() const;
  std::vector<Field> summary_fields() const;
  std::vector<std::string> words(int columns) const;
  ftxui::Element content(int columns) const;
  Field field(std::string name, FieldKind kind, std::string label, std::string help,
              std::vector<Choice> choices = {}) const;
  std::string problem_of(std::string_view name) const;
  std::string what_is_missing() const;
  bool page_is_good() const;
  void store();
  void forget_hash();
  void take_invitation();
  std::string shown_yaml() const;
  void understand();
  WizardWish open(WizardPage page);
  const Brought* brought() const { return brought_ ? &*brought_ : nullptr; }
  std::string becomes(const DiskFacts& disk) const;
  WizardWish next();
  WizardWish back();
  WizardWish pressed(std::string_view name);

  WizardMode mode_;
  MachineFacts machine_;
  Answers answers_;
  std::optional<Brought> brought_;
  std::string plan_;
  Meaning meaning_;
  std::string password_hash_;
  std::string network_says_;
  std::string said_;
  std::set<std::string, std::less<>> touched_;  // fields whose problems are shown
  WizardPage page_ = WizardPage::machine;
  Form form_;
  int scrolled_ = 0;
  mutable int last_line_ = 0;  // of the page, as it was drawn last
};

}  // namespace loam::console
