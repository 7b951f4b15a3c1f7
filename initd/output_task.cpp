#include "output_task.hpp"

#include <format>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace loam::node {

namespace {

constexpr std::size_t output_limit = std::size_t{4} << 20U;

// Our own programs say what went wrong as JSON, with the remedy.
std::optional<Error> said_error(const std::string& output) {
  for (const auto line : split(output, '\n')) {
    const auto entry = nlohmann::json::parse(line, nullptr, false);
    const auto word = [&](const char* name) {
      return entry.contains(name) && entry[name].is_string() ? entry[name].get<std::string>() : std::string();
    };
    if (entry.is_object() && !word("error").empty()) return Error(word("error")).remedy(word("remedy"));
  }
  return std::nullopt;
}

}  // namespace

void OutputTask::run(const std::vector<std::string>& argv, std::chrono::seconds limit, Done done) {
  if (done_) return done(fail("what was asked for before has not ended yet", "wait for it"));
  output_.clear();
  auto child = sys::Child::start(*loop_, argv,
                                 {.line = [this](std::string_view line) { take(line); },
                                  .end =
                                      [this](const std::string& problem) {
                                        // Not here: this runs inside of the child.
                                        auto end =
                                            loop_->after(std::chrono::seconds(0), [this, problem] { finish(problem); });
                                        if (end) end_ = *std::move(end);
                                      }});
  auto timer = loop_->after(limit, [this, limit, name = argv.front()] {
    finish(std::format("{} had not ended after {} s", name, limit.count()));
  });
  if (!child) return done(std::unexpected(std::move(child).error()));
  if (!timer) return done(std::unexpected(std::move(timer).error()));
  child_ = *std::move(child);
  limit_ = *std::move(timer);
  done_ = std::move(done);
}

// The rest of an output without an end is not kept.
void OutputTask::take(std::string_view line) {
  if (output_.size() <= output_limit) output_ += std::string(line) + "\n";
}

void OutputTask::finish(const std::string& problem) {
  child_.reset();
  limit_ = {};
  end_ = {};
  const auto done = std::exchange(done_, {});
  if (output_.size() > output_limit) return done(fail("what came is larger than 4 MiB"));
  if (problem.empty()) return done(std::exchange(output_, {}));
  const auto said = said_error(output_);
  done(said ? Result<std::string>(std::unexpected(*said)) : fail(problem));
}

}  // namespace loam::node
