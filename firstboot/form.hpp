// A page to fill in: fields, which one has the keys, and how it looks. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <ftxui/dom/elements.hpp>

#include "keys.hpp"

namespace loam::console {

enum class FieldKind : std::uint8_t {
  text,
  secret,  // shown as stars
  choice,  // one of several: left and right, or its list when it has the keys
  toggle,  // "yes" or empty
  action,  // pressed with Enter
};

struct Choice {
  std::string value;
  std::string label;
  bool operator==(const Choice&) const = default;
};

struct Field {
  std::string name;
  FieldKind kind = FieldKind::text;
  std::string label;
  std::string value;
  std::vector<Choice> choices;
  std::string help;     // a sentence, shown while it has the keys
  std::string problem;  // why the value is not taken
};

class Form {
 public:
  Form() = default;
  explicit Form(std::vector<Field> fields) : fields_(std::move(fields)) {
    if (!fields_.empty()) cursor_ = fields_.front().value.size();
  }

  const std::vector<Field>& fields() const { return fields_; }
  const Field* focused() const { return focus_ < fields_.size() ? &fields_[focus_] : nullptr; }

  // The same fields with other choices, texts or problems: the one with the keys keeps them.
  void replace(std::vector<Field> fields);
  void focus(std::string_view name);

  enum class Outcome : std::uint8_t { ignored, moved, changed, pressed, left_end };
  // left_end: Enter on the last field.
  Outcome key(const Key& key);

  // columns: as many as there are.
  ftxui::Element render(int columns) const;

 private:
  void keep_focus(std::string_view name);
  Outcome move(int by);
  Outcome edit(const Key& key);
  Outcome edit_text(Field& field, const Key& key);
  static Outcome choose(Field& field, int by);

  std::vector<Field> fields_;
  std::size_t focus_ = 0;
  std::size_t cursor_ = 0;  // bytes into the value of a text
};

}  // namespace loam::console
