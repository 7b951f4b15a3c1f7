#include "slots/boot_facts.hpp"

#include <format>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace loam::slots {

using nlohmann::json;

std::string to_json(const BootFacts& facts) {
  const auto& disk = facts.disk;
  return json{{"live", facts.live},   {"root_hash", facts.root_hash}, {"disk", disk.disk}, {"esp", disk.esp},
              {"root", disk.root},    {"verity", disk.verity},        {"loam", disk.loam}, {"state", disk.state},
              {"keeps", facts.keeps}, {"problems", facts.problems}}
             .dump(2) +
         "\n";
}

Result<BootFacts> parse_boot_facts(std::string_view text) {
  try {
    const auto data = json::parse(text);
    const auto get = [&](const char* name) { return data.at(name).get<std::string>(); };
    return BootFacts{.live = data.at("live").get<bool>(),
                     .root_hash = get("root_hash"),
                     .disk = {.disk = get("disk"),
                              .esp = get("esp"),
                              .root = get("root"),
                              .verity = get("verity"),
                              .loam = get("loam"),
                              .state = get("state")},
                     .keeps = data.at("keeps").get<bool>(),
                     .problems = data.at("problems").get<std::vector<std::string>>()};
  } catch (const json::exception& problem) {
    return fail(std::format("{}: {}", boot_facts_path, printable(problem.what())));
  }
}

}  // namespace loam::slots
