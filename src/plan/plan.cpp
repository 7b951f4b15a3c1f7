#include "plan/plan.hpp"

#include <algorithm>
#include <cstdint>
#include <format>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace loam::plan {

std::string format(const Plan& plan) {
  if (plan.empty()) return plan.title + ": nothing to do\n";
  std::size_t width = 0;
  for (const auto& action : plan.actions) width = std::max(width, action.kind.size());
  std::string text = plan.title + "\n";
  for (std::size_t i = 0; i < plan.actions.size(); ++i) {
    const auto& action = plan.actions[i];
    text += std::format("{:3}. {} {:<{}}  {}: {}\n", i + 1, action.destroys ? '!' : ' ', action.kind, width,
                        action.target, action.summary);
  }
  if (std::ranges::any_of(plan.actions, &Action::destroys)) text += "  ! destroys what is there now\n";
  return text;
}

std::string to_json(const Plan& plan) {
  nlohmann::json actions = nlohmann::json::array();
  for (const auto& action : plan.actions)
    actions.push_back({{"kind", action.kind},
                       {"target", action.target},
                       {"summary", action.summary},
                       {"destroys", action.destroys},
                       {"arguments", action.arguments}});
  return nlohmann::json{{"title", plan.title}, {"actions", std::move(actions)}}.dump();
}

Result<Plan> from_json(std::string_view text) {
  try {
    const auto json = nlohmann::json::parse(text);
    Plan plan{.title = json.at("title").get<std::string>(), .actions = {}};
    for (const auto& item : json.at("actions"))
      plan.actions.push_back({.kind = item.at("kind").get<std::string>(),
                              .target = item.at("target").get<std::string>(),
                              .summary = item.at("summary").get<std::string>(),
                              .destroys = item.at("destroys").get<bool>(),
                              .arguments = item.at("arguments").get<std::map<std::string, std::string>>()});
    return plan;
  } catch (const nlohmann::json::exception& problem) {
    return fail(std::format("plan: {}", printable(problem.what())));
  }
}

std::string id(const Plan& plan) {
  // FNV-1a: stable over versions and machines, which std::hash is not.
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : to_json(plan)) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return std::format("{:016x}", hash);
}

}  // namespace loam::plan
