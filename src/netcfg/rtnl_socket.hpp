// A socket of rtnetlink(7): what links and addresses there are, and then each change.
#pragma once

#include <functional>

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "netcfg/rtnl.hpp"

namespace loam::netcfg {

class RtnlSocket {
 public:
  using Take = std::function<void(const RtnlMessage&)>;

  // Listens to changes of links and addresses from now on.
  static Result<RtnlSocket> open();
  int fd() const { return fd_.get(); }

  // All links, then all addresses. Changes that happen meanwhile are among them. At most 5 s.
  Result<void> dump(const Take& take);
  // All routes, once.
  Result<void> dump_routes(const Take& take);
  // What has come; does not wait. False if the kernel had to drop messages: then only a new dump tells how things are.
  Result<bool> receive(const Take& take);

 private:
  explicit RtnlSocket(UniqueFd fd) : fd_(std::move(fd)) {}
  Result<void> ask(unsigned short type);
  Result<void> wait_for_end(const Take& take);

  UniqueFd fd_;
  unsigned sequence_ = 0;
};

}  // namespace loam::netcfg
