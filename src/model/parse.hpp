// loam.yaml -> Config, strictly, and back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "model/config.hpp"

namespace loam::model {

// All that is wrong with the text, each "name:line:column: path: what; remedy". `name` is the file or URL.
struct ParseReport {
  Config config;
  std::vector<std::string> problems;
};
ParseReport parse_config_report(std::string_view text, std::string_view name);

// The config, or one error that lists every problem on a line of its own.
Result<Config> parse_config(std::string_view text, std::string_view name);

// What the types cannot say: names used twice, members that do not exist, gateways outside of their network and so on.
struct Problem {
  std::string path;  // "network.bonds[0].members[1]"
  std::string text;
};
std::vector<Problem> validate(const Config& config);

// The shortest text that parses to the same config: keys at their defaults are left out.
std::string format_config(const Config& config);

// JSON Schema (draft 2020-12) of the document, for editors.
std::string json_schema();

// A commented example that parses, as `loamctl config example` prints it.
std::string example_config();

}  // namespace loam::model
