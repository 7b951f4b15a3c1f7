// Prometheus' text format. Pure.
// https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace loam::metrics {

using Labels = std::vector<std::pair<std::string_view, std::string>>;

class Exposition {
 public:
  // Begins a family: the samples that follow are of it. One without samples leaves nothing in the text.
  void gauge(std::string_view name, std::string_view help) { begin(name, "gauge", help); }
  void counter(std::string_view name, std::string_view help) { begin(name, "counter", help); }
  // Label values may hold any bytes: they come from disks and firmware too.
  void sample(const Labels& labels, double value);
  void sample(double value) { sample({}, value); }

  std::string text() && { return std::move(text_); }

 private:
  void begin(std::string_view name, std::string_view type, std::string_view help);

  std::string text_;
  std::string name_;
  std::string head_;  // of a family that has no sample yet
};

}  // namespace loam::metrics
