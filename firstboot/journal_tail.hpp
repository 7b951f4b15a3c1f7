// The end of the journal, for as long as somebody looks at it.
#pragma once

#include <systemd/sd-journal.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace loam::console {

class JournalTail {
 public:
  static Result<JournalTail> open();
  // Readable when there is something new.
  int fd() const { return fd_; }
  // Takes what is new; true if there was anything.
  bool read();
  // "14:03:22 loamd: what it says", the oldest first, control characters made visible.
  std::vector<std::string> lines() const { return {lines_.begin(), lines_.end()}; }

 private:
  struct Close {
    void operator()(sd_journal* journal) const { sd_journal_close(journal); }
  };
  JournalTail(std::unique_ptr<sd_journal, Close> journal, int fd) : journal_(std::move(journal)), fd_(fd) {}
  std::string field(const char* name) const;

  std::unique_ptr<sd_journal, Close> journal_;
  int fd_;
  std::deque<std::string> lines_;
};

}  // namespace loam::console
