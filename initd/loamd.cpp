// loamd: the supervisor of a node, a service of systemd.
#include <sdbus-c++/sdbus-c++.h>

#include <iostream>

#include "base/file.hpp"
#include "base/guard.hpp"
#include "slots/boot_facts.hpp"
#include "supervisor.hpp"
#include "sys/event_loop.hpp"

namespace {

using namespace loam;

Result<slots::BootFacts> boot_facts() {
  LOAM_TRY(const auto text, read_file(slots::boot_facts_path));
  return slots::parse_boot_facts(text);
}

Result<void> serve() {
  LOAM_TRY(auto loop, sys::EventLoop::create());
  LOAM_TRY(auto monitor, sys::BlockMonitor::start());
  LOAM_TRY(auto boot, boot_facts());
  auto bus = sdbus::createSystemBusConnection();
  node::Supervisor supervisor(loop, *bus, std::move(boot), std::move(monitor));
  bus->attachSdEventLoop(loop.handle());
  LOAM_CHECK(supervisor.start());
  auto ended = loop.run();
  bus->detachSdEventLoop();
  return ended;
}

}  // namespace

int main() {
  return loam::guard("<3>loamd", [] {
    const auto done = serve();
    if (!done) std::cerr << "<3>loamd: " << done.error().text() << '\n';
    return done ? 0 : 1;
  });
}
