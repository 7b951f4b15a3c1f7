// The disks as they are now, kept up to date by udev's events. Looking at what is on them, and asking how they are,
// happens in children with time limits, because a dying disk can take minutes; who asks gets what is known.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "diskmgr/disk_book.hpp"
#include "sys/event_loop.hpp"
#include "sys/udev.hpp"

namespace loam::node {

class DiskWatch {
 public:
  // changed: some disk is another than before, or is known better.
  DiskWatch(sys::EventLoop& loop, std::function<void()> changed) : loop_(&loop), changed_(std::move(changed)) {}
  // os_node: device node that this node booted from; empty: of no disk.
  Result<void> start(const std::string& os_node);
  // Events come in bursts: they are looked into when they have passed.
  void take(const sys::BlockEvents& events);
  // At all of them, and how they are.
  Result<void> look_all();
  diskmgr::DiskBook& book() { return book_; }
  const diskmgr::DiskBook& book() const { return book_; }
  // True when nothing is being looked at and no event waits.
  bool settled() const { return children_.empty() && waiting_.empty() && ask_health_.empty(); }

 private:
  enum class Question : std::uint8_t { content, health };
  struct Asked {  // one child, for some disks
    Question question = Question::content;
    std::set<std::string> nodes;  // that have not answered
    std::unique_ptr<sys::Child> child;
    sys::EventSource limit;
  };
  void look_at_burst();
  using Seen = std::map<std::string, std::optional<diskmgr::Facts>>;  // by node; none: it is not there
  void look(Seen seen);
  bool update(const std::string& node, std::optional<diskmgr::Facts> facts);
  void ask(Question question, const std::set<std::string>& asked);
  void answered(const std::string& node);
  void take_line(int asked, std::string_view line);
  void over(int asked, const std::string& problem);
  void no_answer(const Asked& asked, const std::string& why);
  std::set<std::string> not_being_looked_at(const std::set<std::string>& nodes);
  void ask_again(const std::string& node);
  void ask_health_now_or_later();
  void ask_health_later();
  void notify_soon();
  std::string class_of(const std::string& node) const;
  void log_class(const std::string& node, const std::string& before);

  sys::EventLoop* loop_;
  std::function<void()> changed_;
  std::string os_node_;
  diskmgr::DiskBook book_;
  std::set<std::string> waiting_;  // nodes with events that were not looked into yet
  std::map<std::string, std::chrono::steady_clock::time_point>
      since_;                         // by node: udev's event that is being looked into
  std::set<std::string> ask_health_;  // nodes that are new
  std::set<std::string> once_more_;   // nodes with events after the look at them that has not ended
  struct Later {  // a disk that did not answer, or is in use by somebody who tells nobody when it lets go
    std::chrono::seconds delay{10};
    sys::EventSource timer;
    bool silent = false;  // it let the time for an answer pass
  };
  std::map<std::string, Later> later_;  // by node
  std::map<int, Asked> children_;
  int next_child_ = 0;
  std::vector<Asked> finished_;  // children that are over, destroyed a moment later
  bool in_burst_ = false;        // burst_ runs
  sys::EventSource burst_;
  sys::EventSource health_timer_;
  sys::EventSource notify_;
  sys::EventSource sweep_;
};

}  // namespace loam::node
