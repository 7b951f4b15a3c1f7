#include "slots/running_release.hpp"

#include <format>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/text.hpp"

namespace loam::slots {

Result<RunningRelease> parse_running_release(std::string_view text) {
  try {
    const auto value = nlohmann::json::parse(text);
    return RunningRelease{.version = value.at("version").get<std::string>(),
                          .kubernetes = value.at("kubernetes").get<std::string>(),
                          .config_versions = value.at("config_versions").get<std::vector<int>>()};
  } catch (const nlohmann::json::exception& problem) {
    return fail(std::format("{}: {}", release_facts_path, printable(problem.what())), "the image is not one of Loam's");
  }
}

Result<RunningRelease> running_release(const std::filesystem::path& path) {
  LOAM_TRY(const auto text, read_if_there(path));
  return text ? parse_running_release(*text) : RunningRelease{};
}

std::string running_version() { return running_release().value_or(RunningRelease{}).version; }

}  // namespace loam::slots
