#include "model/yaml_node.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <format>
#include <sstream>

#include "base/text.hpp"

namespace loam::model {

const YamlNode* YamlNode::find(std::string_view key) const {
  const auto found = std::ranges::find_if(members, [&](const auto& member) { return member.key.text == key; });
  return found == members.end() ? nullptr : &found->value;
}

Position YamlNode::key_position(std::string_view key) const {
  const auto found = std::ranges::find_if(members, [&](const auto& member) { return member.key.text == key; });
  return found == members.end() ? at : found->key.at;
}

Position locate(const YamlNode& root, std::string_view path) {
  const auto* node = &root;
  auto at = root.at;
  while (!path.empty()) {
    const bool index = path.front() == '[';
    const auto end = index ? path.find(']') + 1 : std::min(path.find_first_of(".["), path.size());
    const auto step = path.substr(0, end);
    path.remove_prefix(end);
    if (path.starts_with('.')) path.remove_prefix(1);
    if (index) {
      std::size_t number = 0;
      std::from_chars(step.data() + 1, step.data() + step.size() - 1, number);
      node = number < node->items.size() ? &node->items[number] : nullptr;
      if (node == nullptr) return at;
      at = node->at;
    } else {
      const auto* const member = node->find(step);
      if (member == nullptr) return at;
      at = node->key_position(step);
      node = member;
    }
  }
  return at;
}

std::string_view kind_name(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::null: return "nothing";
    case YamlNode::Kind::scalar: return "a single value";
    case YamlNode::Kind::sequence: return "a list";
    case YamlNode::Kind::mapping: return "a mapping";
  }
  return "?";
}

namespace {

constexpr std::size_t max_depth = 32;

Position position(const YAML::Mark& mark) {
  return {static_cast<std::size_t>(mark.line) + 1, static_cast<std::size_t>(mark.column) + 1};
}

// Thrown inside yaml-cpp's callbacks, caught in parse_yaml: the library knows no other way to stop.
struct Refused {
  Position at;
  std::string message;
};

class TreeBuilder : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) throw Refused{position(mark), "a second document starts here; one is expected"};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    add(YamlNode{.kind = YamlNode::Kind::null, .at = position(mark), .text = "~", .items = {}, .members = {}});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused{position(mark), "aliases (*name) are not allowed; write the value out"};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    const bool quoted = tag == "!";
    const bool null = !quoted && (value.empty() || value == "~" || value == "null");
    add(YamlNode{.kind = null ? YamlNode::Kind::null : YamlNode::Kind::scalar,
                 .at = position(mark),
                 .text = value,
                 .quoted = quoted,
                 .items = {},
                 .members = {}});
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::sequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::mapping, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

  YamlNode take() && { return std::move(root_); }

 private:
  struct Level {
    YamlNode node;
    bool has_key = false;
    YamlNode key;
  };

  static void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) throw Refused{position(mark), "anchors (&name) are not allowed; write the value out"};
  }
  static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!")
      throw Refused{position(mark), std::format("tags such as {} are not allowed", printable(tag, 40))};
  }

  void open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (levels_.size() >= max_depth) throw Refused{position(mark), "nested too deeply"};
    levels_.push_back({.node = {.kind = kind, .at = position(mark), .text = {}, .items = {}, .members = {}},
                       .has_key = false,
                       .key = {}});
  }

  void close() {
    auto done = std::move(levels_.back().node);
    levels_.pop_back();
    add(std::move(done));
  }

  void add(YamlNode node) {
    if (levels_.empty()) {
      root_ = std::move(node);
      return;
    }
    auto& level = levels_.back();
    if (level.node.kind == YamlNode::Kind::sequence) {
      level.node.items.push_back(std::move(node));
    } else if (!level.has_key) {
      take_key(level, std::move(node));
    } else {
      level.node.members.push_back({.key = std::move(level.key), .value = std::move(node)});
      level.has_key = false;
    }
  }

  static void take_key(Level& level, YamlNode key) {
    if (key.kind == YamlNode::Kind::sequence || key.kind == YamlNode::Kind::mapping)
      throw Refused{key.at, "a key must be a single word"};
    for (const auto& [earlier, value] : level.node.members)
      if (earlier.text == key.text)
        throw Refused{key.at, std::format("duplicate key \"{}\"; it stands in line {} already", printable(key.text, 60),
                                          earlier.at.line)};
    level.key = std::move(key);
    level.has_key = true;
  }

  std::size_t documents_ = 0;
  std::vector<Level> levels_;
  YamlNode root_;
};

// What a person most often gets wrong, said better than the YAML library says it.
Result<void> check_bytes(std::string_view text, std::string_view name) {
  if (text.size() > max_document_bytes)
    return fail(std::format("{}: has {} bytes, {} are allowed", name, text.size(), max_document_bytes),
                "is this the right file?");
  if (trim(text).empty())
    return fail(std::format("{}:1:1: the file is empty", name), "loamctl config example prints one to start from");
  std::size_t line = 1;
  bool indent = true;
  std::size_t column = 0;
  while (!text.empty()) {
    const char c = text.front();
    const auto length = utf8_length(text);
    text.remove_prefix(std::max<std::size_t>(length, 1));
    ++column;
    if (c == '\n') {
      ++line;
      column = 0;
      indent = true;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    if (length == 0 || (byte < 0x20 && c != '\t' && c != '\r') || byte == 0x7f)
      return fail(std::format("{}:{}:{}: holds the byte 0x{:02x}, so this is no {}text file", name, line, column, byte,
                              length == 0 ? "UTF-8 " : ""),
                  "is this the right file?");
    if (c == '\t' && indent)
      return fail(std::format("{}:{}:{}: a tab in the indentation", name, line, column), "indent with spaces");
    if (c != ' ') indent = false;
  }
  return {};
}

}  // namespace

Result<YamlNode> parse_yaml(std::string_view text, std::string_view name) {
  LOAM_CHECK(check_bytes(text, name));
  TreeBuilder builder;
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Refused& refused) {
    return fail(std::format("{}:{}:{}: {}", name, refused.at.line, refused.at.column, refused.message));
  } catch (const YAML::Exception& problem) {
    const auto at = problem.mark.is_null() ? Position{} : position(problem.mark);
    return fail(std::format("{}:{}:{}: {}", name, at.line, at.column, printable(problem.msg)));
  }
  return std::move(builder).take();
}

}  // namespace loam::model
