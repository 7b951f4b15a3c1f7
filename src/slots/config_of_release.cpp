#include "slots/config_of_release.hpp"

#include <format>
#include <ranges>

#include "base/file.hpp"
#include "base/text.hpp"
#include "slots/running_release.hpp"
#include "slots/version.hpp"

namespace loam::slots {

namespace fs = std::filesystem;

namespace {

using Files = std::span<const std::string_view>;

constexpr std::size_t config_limit = std::size_t{2} << 20U;

fs::path below(const fs::path& root, std::string_view path) { return root / fs::path(path).relative_path(); }

fs::path kept_of(const fs::path& root, const std::string& version, std::string_view file) {
  return below(root, "/loam/config-of") / version / fs::path(file).filename();
}

Result<void> keep_config(const fs::path& root, Files files, const std::string& version) {
  for (const auto file : files) {
    LOAM_TRY(const auto text, read_if_there(below(root, file), config_limit));
    if (text) LOAM_CHECK(write_file_atomic(kept_of(root, version, file), *text, 0600));
  }
  return {};
}

Result<void> restore_config(const fs::path& root, Files files, const std::string& version) {
  for (const auto file : std::views::reverse(files)) {
    LOAM_TRY(const auto text, read_if_there(kept_of(root, version, file), config_limit));
    if (text) LOAM_CHECK(write_file_atomic(below(root, file), *text, 0600));
  }
  return {};
}

// "1.4.0", or "1.4.0 goes-back" as long as what is in use may be of one release in part, and of another.
struct LastRelease {
  std::string version;
  bool cut_off = false;
};
constexpr std::string_view going_back = " goes-back";

Result<LastRelease> last_release(const fs::path& path) {
  LOAM_TRY(const auto text, read_if_there(path, 256));
  const std::string line = text.value_or("");
  auto word = trim(line);
  const bool cut_off = word.ends_with(going_back);
  if (cut_off) word.remove_suffix(going_back.size());
  return LastRelease{.version = std::string(word), .cut_off = cut_off};
}

// What an older release was given back, and nobody has changed since, goes with it: the newer one has its own.
Result<bool> is_as_given(const fs::path& root, std::string_view file, const std::string& version) {
  LOAM_TRY(const auto now, read_if_there(below(root, file), config_limit));
  LOAM_TRY(const auto given, read_if_there(kept_of(root, version, file), config_limit));
  return now && now == given;
}

// What was in use is kept for the release that used it. True if the one that runs now has its own back to get.
Result<bool> leave_last(const fs::path& root, Files files, const LastRelease& last, const std::string& running) {
  if (last.cut_off) return true;
  if (!is_version(last.version)) return false;
  LOAM_TRY(const bool as_given, is_as_given(root, files.front(), last.version));
  LOAM_CHECK(keep_config(root, files, last.version));
  return as_given || compare_versions(running, last.version) < 0;
}

}  // namespace

Result<std::optional<std::string>> follow_release(const fs::path& root, Files files) {
  const auto last_path = below(root, "/loam/last-release");
  LOAM_TRY(const auto running, running_release(below(root, release_facts_path)));
  LOAM_TRY(const auto last, last_release(last_path));
  std::optional<std::string> said;
  if (last.version == running.version && !last.cut_off) return said;
  LOAM_TRY(const bool restore, leave_last(root, files, last, running.version));
  if (restore) {
    LOAM_CHECK(write_file_atomic(last_path, std::format("{}{}\n", running.version, going_back)));
    LOAM_CHECK(restore_config(root, files, running.version));
    said = std::format("Loam {} runs again, with the loam.yaml that it last used", running.version);
  }
  LOAM_CHECK(write_file_atomic(last_path, running.version + "\n"));
  return said;
}

}  // namespace loam::slots
