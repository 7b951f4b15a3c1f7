#include "form.hpp"

#include <algorithm>

#include <ftxui/screen/string.hpp>

#include "style.hpp"

namespace loam::console {

using namespace ftxui;

namespace {

constexpr std::size_t longest_value = 4096;
constexpr int label_columns = 22;

bool is_typed(FieldKind kind) { return kind == FieldKind::text || kind == FieldKind::secret; }

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80U; }

std::size_t before(const std::string& text, std::size_t at) {
  if (at == 0) return 0;
  do --at;
  while (at > 0 && continues(text[at]));
  return at;
}

std::size_t after(const std::string& text, std::size_t at) {
  if (at >= text.size()) return text.size();
  do ++at;
  while (at < text.size() && continues(text[at]));
  return at;
}

std::size_t chosen(const Field& field) {
  const auto found = std::ranges::find(field.choices, field.value, &Choice::value);
  return static_cast<std::size_t>(found - field.choices.begin());
}

}  // namespace

void Form::keep_focus(std::string_view name) {
  const auto found = std::ranges::find(fields_, name, &Field::name);
  if (found != fields_.end()) focus_ = static_cast<std::size_t>(found - fields_.begin());
  if (focus_ >= fields_.size()) focus_ = 0;
  if (const auto* const field = focused(); field != nullptr) cursor_ = std::min(cursor_, field->value.size());
}

void Form::replace(std::vector<Field> fields) {
  const std::string name = focused() == nullptr ? "" : focused()->name;
  fields_ = std::move(fields);
  keep_focus(name);
}

void Form::focus(std::string_view name) {
  keep_focus(name);
  if (const auto* const field = focused(); field != nullptr) cursor_ = field->value.size();
}

Form::Outcome Form::move(int by) {
  const auto next = static_cast<std::ptrdiff_t>(focus_) + by;
  if (next < 0 || next >= std::ssize(fields_)) return Outcome::ignored;
  focus_ = static_cast<std::size_t>(next);
  cursor_ = fields_[focus_].value.size();
  return Outcome::moved;
}

Form::Outcome Form::choose(Field& field, int by) {
  if (field.choices.empty()) return Outcome::ignored;
  const auto count = std::ssize(field.choices);
  const auto now = static_cast<std::ptrdiff_t>(chosen(field));
  // A value that is no choice any more: the first key takes one that is.
  const auto next = now >= count ? 0 : (now + by + count) % count;
  field.value = field.choices[static_cast<std::size_t>(next)].value;
  return Outcome::changed;
}

Form::Outcome Form::edit_text(Field& field, const Key& key) {
  auto& text = field.value;
  cursor_ = std::min(cursor_, text.size());
  switch (key.kind) {
    case KeyKind::text:
      if (text.size() + key.text.size() > longest_value) return Outcome::ignored;
      text.insert(cursor_, key.text);
      cursor_ += key.text.size();
      return Outcome::changed;
    case KeyKind::backspace: {
      const auto from = before(text, cursor_);
      text.erase(from, cursor_ - from);
      cursor_ = from;
      return Outcome::changed;
    }
    case KeyKind::del: text.erase(cursor_, after(text, cursor_) - cursor_); return Outcome::changed;
    case KeyKind::left: cursor_ = before(text, cursor_); return Outcome::moved;
    case KeyKind::right: cursor_ = after(text, cursor_); return Outcome::moved;
    case KeyKind::home: cursor_ = 0; return Outcome::moved;
    case KeyKind::end: cursor_ = text.size(); return Outcome::moved;
    case KeyKind::control:
      if (key.text != "u") return Outcome::ignored;
      text.erase(0, cursor_);
      cursor_ = 0;
      return Outcome::changed;
    default: return Outcome::ignored;
  }
}

Form::Outcome Form::edit(const Key& key) {
  auto& field = fields_[focus_];
  if (is_typed(field.kind)) return edit_text(field, key);
  const bool space = key.kind == KeyKind::text && key.text == " ";
  if (field.kind == FieldKind::choice) {
    if (key.kind == KeyKind::left) return choose(field, -1);
    if (key.kind == KeyKind::right || space) return choose(field, 1);
  }
  if (field.kind == FieldKind::toggle && space) {
    field.value = field.value.empty() ? "yes" : "";
    return Outcome::changed;
  }
  return Outcome::ignored;
}

Form::Outcome Form::key(const Key& key) {
  if (fields_.empty()) return key.kind == KeyKind::enter ? Outcome::left_end : Outcome::ignored;
  switch (key.kind) {
    case KeyKind::tab:
    case KeyKind::down: return move(1);
    case KeyKind::back_tab:
    case KeyKind::up: return move(-1);
    case KeyKind::enter:
      if (fields_[focus_].kind == FieldKind::action) return Outcome::pressed;
      return focus_ + 1 == fields_.size() ? Outcome::left_end : move(1);
    default: return edit(key);
  }
}

namespace {

// As much of a long text as fits, with the end of it, or with the place where it is typed.
Element shown_text(const Field& field, bool has_keys, std::size_t cursor, int columns) {
  const auto glyphs = Utf8ToGlyphs(field.kind == FieldKind::secret ? std::string() : field.value);
  std::vector<std::string> cells = glyphs;
  std::size_t at = 0;  // of the cursor, in cells
  if (field.kind == FieldKind::secret) {
    for (std::size_t i = 0; i < field.value.size(); i = after(field.value, i)) {
      if (i < cursor) ++at;
      cells.emplace_back("*");
    }
  } else {
    at = Utf8ToGlyphs(field.value.substr(0, std::min(cursor, field.value.size()))).size();
  }
  const auto room = static_cast<std::size_t>(std::max(columns, 4)) - 1;
  const auto first = has_keys && at > room ? at - room : 0;
  std::string left;
  std::string under = " ";
  std::string right;
  for (std::size_t i = first; i < cells.size() && i < first + room + (has_keys ? 0 : 1); ++i) {
    if (i < at || !has_keys)
      left += cells[i];
    else if (i == at)
      under = cells[i];
    else
      right += cells[i];
  }
  if (!has_keys) return text(left.empty() ? "-" : left);
  return hbox({text(left) | underlined, text(under) | focusCursorBlock | inverted, text(right) | underlined});
}

Element shown_choice(const Field& field, bool has_keys) {
  const auto index = chosen(field);
  const auto label = index < field.choices.size() ? field.choices[index].label : "(choose)";
  if (!has_keys) return text(label);
  return hbox({text("< "), text(label) | inverted, text(" >")});
}

Element highlighted(Element element, bool has_keys) { return has_keys ? inverted(std::move(element)) : element; }

Element shown_value(const Field& field, bool has_keys, std::size_t cursor, int columns) {
  switch (field.kind) {
    case FieldKind::text:
    case FieldKind::secret: return shown_text(field, has_keys, cursor, columns);
    case FieldKind::choice: return shown_choice(field, has_keys);
    case FieldKind::toggle:
      return hbox({highlighted(text(field.value.empty() ? "[ ]" : "[x]"), has_keys), text(" " + field.help)});
    case FieldKind::action: return highlighted(text("[ " + field.value + " ]"), has_keys);
  }
  return emptyElement();
}

// Choices one below the other where the keys are: a person sees what there is.
void add_choices(const Field& field, int columns, Elements& lines) {
  for (const auto& choice : field.choices)
    lines.push_back(text((choice.value == field.value ? "   (*) " : "   ( ) ") + choice.label) |
                    size(WIDTH, LESS_THAN, columns));
}

}  // namespace

Element Form::render(int columns) const {
  Elements lines;
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const auto& field = fields_[i];
    const bool has_keys = i == focus_;
    auto value = shown_value(field, has_keys, cursor_, columns - label_columns - 3);
    auto label = text((has_keys ? "> " : "  ") + field.label) | size(WIDTH, EQUAL, label_columns);
    lines.push_back(has_keys ? hbox({label | bold, value}) | ftxui::select : hbox({label, value}));
    if (has_keys && field.kind == FieldKind::choice && field.choices.size() > 2) add_choices(field, columns, lines);
    if (!field.problem.empty())
      for (auto& line : wrapped("! " + field.problem, columns - 5, 2))
        lines.push_back(hbox({text("    "), warning(text(line))}));
    if (has_keys && !field.help.empty() && field.kind != FieldKind::toggle)
      for (auto& line : wrapped(field.help, columns - 5, 0)) lines.push_back(hbox({text("    "), text(line) | dim}));
  }
  return vbox(std::move(lines));
}

}  // namespace loam::console
