// What of a plan was done, on disk, so that a killed apply goes on where it stopped. One JSON object a line, each
// fsynced before the next step; a last line that was cut off is ignored.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/unique_fd.hpp"
#include "plan/plan.hpp"

namespace loam::plan {

class Journal {
 public:
  // Opens or makes the file and goes on with `plan` if the file is about it and not finished, else starts anew.
  static Result<Journal> open(const std::filesystem::path& path, const Plan& plan);

  bool done(std::size_t action) const { return done_.contains(action); }
  bool resumed() const { return resumed_; }

  Result<void> begin(std::size_t action);
  Result<void> finish(std::size_t action);
  Result<void> fail_action(std::size_t action, std::string_view why);
  Result<void> complete();

 private:
  explicit Journal(UniqueFd fd) : fd_(std::move(fd)) {}
  Result<void> append(std::string_view json);

  UniqueFd fd_;
  std::set<std::size_t> done_;
  bool resumed_ = false;
};

// The plan that a journal says was begun and not completed, if any: from its text, or from its file.
std::optional<Plan> interrupted_in(std::string_view text);
Result<std::optional<Plan>> interrupted_plan(const std::filesystem::path& path);

}  // namespace loam::plan
