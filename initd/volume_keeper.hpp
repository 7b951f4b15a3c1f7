// Ceph OSDs in LVM volumes: the volumes of disks that are ours are made ready when the disk appears, since LVM itself
// activates nothing here. ceph-volume expects it of the host. A disk whose volumes are in use is left alone.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "diskmgr/disk_book.hpp"
#include "sys/event_loop.hpp"

namespace loam::node {

class VolumeKeeper {
 public:
  // again: called when take() should be, since one is done and another may wait.
  VolumeKeeper(sys::EventLoop& loop, std::function<void()> again) : loop_(&loop), again_(std::move(again)) {}

  // Starts one child at a time, once for each group and each time that its disk appeared.
  void take(const diskmgr::DiskBook& book);
  void retry() {
    tried_.clear();
    problems_.clear();
  }
  const std::map<std::string, std::string>& problems() const { return problems_; }  // by group

 private:
  void start(const diskmgr::DiskBook& book, const std::string& group);
  void ended(const std::string& group, const std::string& problem);

  sys::EventLoop* loop_;
  std::function<void()> again_;
  std::map<std::string, std::string> problems_;
  std::set<std::string> tried_;  // disk, its number and group
  std::unique_ptr<sys::Child> child_;
  std::string error_;
  sys::EventSource limit_;
  sys::EventSource next_;
};

}  // namespace loam::node
