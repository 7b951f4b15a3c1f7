#include "journal_tail.hpp"

#include <cstdint>
#include <ctime>
#include <format>
#include <string_view>

#include "base/text.hpp"

namespace loam::console {

namespace {

constexpr std::size_t kept = 500;
constexpr std::size_t longest = 500;  // bytes of a line

std::string time_of_day(std::uint64_t microseconds) {
  const auto seconds = static_cast<std::time_t>(microseconds / 1'000'000);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  return std::format("{:02}:{:02}:{:02}", local.tm_hour, local.tm_min, local.tm_sec);
}

}  // namespace

Result<JournalTail> JournalTail::open() {
  sd_journal* raw = nullptr;
  if (const auto code = sd_journal_open(&raw, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM); code < 0)
    return fail_errno("the journal cannot be opened", -code);
  std::unique_ptr<sd_journal, Close> journal(raw);
  const auto fd = sd_journal_get_fd(raw);
  if (fd < 0) return fail_errno("the journal cannot be watched", -fd);
  sd_journal_seek_tail(raw);
  sd_journal_previous_skip(raw, kept);
  JournalTail tail(std::move(journal), fd);
  tail.read();
  return tail;
}

std::string JournalTail::field(const char* name) const {
  const void* data = nullptr;
  std::size_t length = 0;
  if (sd_journal_get_data(journal_.get(), name, &data, &length) < 0) return "";
  const std::string_view text(static_cast<const char*>(data), length);  // "NAME=value"
  return printable(text.substr(text.find('=') + 1), longest);
}

bool JournalTail::read() {
  sd_journal_process(journal_.get());
  bool any = false;
  while (sd_journal_next(journal_.get()) > 0) {
    std::uint64_t when = 0;
    sd_journal_get_realtime_usec(journal_.get(), &when);
    lines_.push_back(std::format(" {} {}: {}", time_of_day(when), field("SYSLOG_IDENTIFIER"), field("MESSAGE")));
    if (lines_.size() > kept) lines_.pop_front();
    any = true;
  }
  return any;
}

}  // namespace loam::console
