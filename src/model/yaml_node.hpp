// A YAML document as a tree that remembers where each thing stood. Stricter than YAML: one document, no anchors,
// aliases, tags or duplicate keys, no tabs, 1 MiB and 32 levels at most.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace loam::model {

// 1-based, as editors count.
struct Position {
  std::size_t line = 1;
  std::size_t column = 1;
};

struct YamlMember;

struct YamlNode {
  enum class Kind { null, scalar, sequence, mapping };

  Kind kind = Kind::null;
  Position at;
  std::string text;     // of a scalar
  bool quoted = false;  // "8" is text, 8 is a number
  std::vector<YamlNode> items;
  std::vector<YamlMember> members;  // in the order of the file

  const YamlNode* find(std::string_view key) const;
  // Where a key of a mapping stands; the mapping itself if it has no such key.
  Position key_position(std::string_view key) const;
};

// Where the key "a.b[1].c" stands in a document, or the nearest of its parents that is there.
Position locate(const YamlNode& root, std::string_view path);

struct YamlMember {
  YamlNode key;
  YamlNode value;
};

std::string_view kind_name(YamlNode::Kind kind);

inline constexpr std::size_t max_document_bytes = 1U << 20U;

// `name` is the file or URL as messages shall call it. Errors read "name:line:column: what; remedy".
Result<YamlNode> parse_yaml(std::string_view text, std::string_view name);

}  // namespace loam::model
