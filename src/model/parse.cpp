#include "model/parse.hpp"

#include <charconv>
#include <format>

#include "base/text.hpp"
#include "model/describe.hpp"
#include "model/yaml_node.hpp"

namespace loam::model {

Cluster::Cluster()
    : pod_network(*IpPrefix::parse("10.244.0.0/16")), service_network(*IpPrefix::parse("10.96.0.0/12")) {}

Time::Time() : zone(*TimeZone::parse("UTC")) {}

namespace {

constexpr std::size_t max_problems = 20;
constexpr std::size_t max_items = 4096;

class Reader {
 public:
  Reader(std::string_view name, std::vector<std::string>& problems) : name_(name), problems_(&problems) {}

  template <typename T>
  void read(const YamlNode& node, const std::string& path, T& value, const Doc& doc) {
    if constexpr (is_optional<T>) {
      read(node, path, value.emplace(), doc);
    } else if constexpr (is_vector<T>) {
      read_list(node, path, value, doc);
    } else if constexpr (Described<T>) {
      read_mapping(node, path, value);
    } else if (expect(node, YamlNode::Kind::scalar, path)) {
      read_scalar(node, path, value, doc);
    }
  }

  template <typename T>
  void read_mapping(const YamlNode& node, const std::string& path, T& value);

  void problem(const Position& at, const std::string& path, std::string_view what) {
    if (problems_->size() == max_problems) problems_->emplace_back("and more; mend these first");
    if (problems_->size() > max_problems) return;
    problems_->push_back(
        std::format("{}:{}:{}: {}{}{}", name_, at.line, at.column, path, path.empty() ? "" : ": ", what));
  }

 private:
  bool expect(const YamlNode& node, YamlNode::Kind kind, const std::string& path) {
    if (node.kind == kind) return true;
    problem(node.at, path, std::format("expected {}, found {}", kind_name(kind), kind_name(node.kind)));
    return false;
  }

  template <typename T>
  void read_list(const YamlNode& node, const std::string& path, std::vector<T>& values, const Doc& doc) {
    if (!expect(node, YamlNode::Kind::sequence, path)) return;
    if (node.items.size() > max_items) {
      problem(node.at, path, std::format("has {} entries, {} are allowed", node.items.size(), max_items));
      return;
    }
    for (std::size_t i = 0; i < node.items.size(); ++i)
      read(node.items[i], std::format("{}[{}]", path, i), values.emplace_back(), doc);
  }

  void read_scalar(const YamlNode& node, const std::string& path, bool& value, const Doc&) {
    if (!node.quoted && (node.text == "true" || node.text == "false")) {
      value = node.text == "true";
    } else {
      problem(node.at, path, std::format("expected true or false, found \"{}\"", printable(node.text, 40)));
    }
  }

  void read_scalar(const YamlNode& node, const std::string& path, std::int64_t& value, const Doc& doc) {
    std::int64_t number = 0;
    const auto* const last = node.text.data() + node.text.size();
    const auto [end, bad] = std::from_chars(node.text.data(), last, number);
    if (node.quoted || bad != std::errc{} || end != last || number < doc.min || number > doc.max) {
      problem(node.at, path,
              std::format("expected a whole number from {} to {}, found \"{}\"", doc.min, doc.max,
                          printable(node.text, 40)));
      return;
    }
    value = number;
  }

  template <typename E>
    requires std::is_enum_v<E>
  void read_scalar(const YamlNode& node, const std::string& path, E& value, const Doc&) {
    std::vector<std::string> names;
    for (const auto name : EnumNames<E>::names) {
      if (name == node.text) {
        value = static_cast<E>(names.size());
        return;
      }
      names.emplace_back(name);
    }
    problem(node.at, path,
            std::format("expected one of {}, found \"{}\"{}", join(names, ", "), printable(node.text, 40),
                        did_you_mean(node.text, names)));
  }

  template <ParsedScalar T>
  void read_scalar(const YamlNode& node, const std::string& path, T& value, const Doc&) {
    if (auto parsed = T::parse(node.text)) {
      value = *std::move(parsed);
    } else {
      problem(node.at, path, parsed.error().text());
    }
  }

 public:
  static std::string did_you_mean(std::string_view word, std::span<const std::string> names) {
    const auto near = closest(word, names);
    return near ? std::format("; did you mean \"{}\"?", *near) : "";
  }

 private:
  std::string name_;
  std::vector<std::string>* problems_;
};

// One mapping: visits the fields of its struct, then says which keys no field asked for.
class MappingReader {
 public:
  MappingReader(Reader& reader, const YamlNode& node, std::string path)
      : reader_(&reader), node_(&node), path_(std::move(path)) {}

  template <typename T>
  void field(std::string_view key, T& value, const Doc& doc) {
    known_.emplace_back(key);
    const auto* const member = node_->find(key);
    if (member == nullptr) {
      if (doc.required) reader_->problem(node_->at, path_, std::format("\"{}\" is missing: {}", key, doc.text));
      return;
    }
    if (member->kind == YamlNode::Kind::null) {
      // The parser puts an absent value where the next thing begins; the key is what a person looks for.
      reader_->problem(node_->key_position(key), path_of(key), "has no value; give one or remove the key");
      return;
    }
    reader_->read(*member, path_of(key), value, doc);
  }

  void refuse_unknown() const {
    for (const auto& [key, value] : node_->members)
      if (std::ranges::find(known_, key.text) == known_.end())
        reader_->problem(
            key.at, path_,
            std::format("unknown key \"{}\"{}", printable(key.text, 60), Reader::did_you_mean(key.text, known_)));
  }

 private:
  std::string path_of(std::string_view key) const {
    return path_.empty() ? std::string(key) : std::format("{}.{}", path_, key);
  }

  Reader* reader_;
  const YamlNode* node_;
  std::string path_;
  std::vector<std::string> known_;
};

template <typename T>
void Reader::read_mapping(const YamlNode& node, const std::string& path, T& value) {
  if (!expect(node, YamlNode::Kind::mapping, path)) return;
  MappingReader mapping(*this, node, path);
  describe(mapping, value);
  mapping.refuse_unknown();
}

}  // namespace

ParseReport parse_config_report(std::string_view text, std::string_view name) {
  ParseReport report;
  const auto root = parse_yaml(text, name);
  if (!root) {
    report.problems.push_back(root.error().text());
    return report;
  }
  Reader reader(name, report.problems);
  reader.read_mapping(*root, "", report.config);
  if (!report.problems.empty()) return report;
  for (const auto& problem : validate(report.config))
    reader.problem(locate(*root, problem.path), problem.path, problem.text);
  return report;
}

Result<Config> parse_config(std::string_view text, std::string_view name) {
  auto report = parse_config_report(text, name);
  if (report.problems.empty()) return std::move(report.config);
  return fail(join(report.problems, "\n"));
}

}  // namespace loam::model
