#include "metrics/exposition.hpp"

#include <format>

#include "base/text.hpp"

namespace loam::metrics {

namespace {

constexpr std::size_t label_limit = 256;

// The format escapes three characters in values. What is no text is '?', as a scrape with it would be refused whole.
std::string escaped(std::string_view value) {
  std::string text;
  for (const auto c : printable(value, label_limit)) {
    if (c == '\\' || c == '"') text += '\\';
    text += c;
  }
  return text;
}

}  // namespace

void Exposition::begin(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  head_ = std::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
}

void Exposition::sample(const Labels& labels, double value) {
  text_ += std::exchange(head_, {}) + name_;
  for (std::size_t i = 0; i < labels.size(); ++i)
    text_ += std::format("{}{}=\"{}\"", i == 0 ? "{" : ",", labels[i].first, escaped(labels[i].second));
  text_ += std::format("{} {}\n", labels.empty() ? "" : "}", value);
}

}  // namespace loam::metrics
