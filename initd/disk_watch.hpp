// The disks as they are now. Looking at what is on them happens in a child with a time limit, because reading a dying
// disk can take minutes; who asks gets what is known.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "diskmgr/disk.hpp"
#include "sys/event_loop.hpp"

namespace loam::node {

class DiskWatch {
 public:
  explicit DiskWatch(sys::EventLoop& loop) : loop_(&loop) {}
  // Begins to look at all disks again; one that is being looked at already is waited for first.
  void look();
  // All disks. os_node: the device node that this node booted from, or empty. ceph_fsid: of the cluster whose OSDs are
  // ours, or empty.
  Result<std::vector<diskmgr::Disk>> list(const std::string& os_node, const std::string& ceph_fsid) const;

 private:
  struct Content {
    std::string id;  // of the disk: a kernel name may be another's a moment later
    diskmgr::Content found;
    std::string unread;  // why it is not known
  };
  void take_line(std::string_view line);
  void over(const std::string& problem);

  sys::EventLoop* loop_;
  std::unique_ptr<sys::Child> probe_;
  sys::EventSource limit_;
  sys::EventSource next_;
  std::map<std::string, Content> contents_;  // by device node
  std::map<std::string, Content> fresh_;     // what the running probe found so far
  bool looking_ = false;
  bool again_ = false;
};

}  // namespace loam::node
