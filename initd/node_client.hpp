// The other end of io.loam.Node1: for loamctl and the console.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <sdbus-c++/sdbus-c++.h>

#include "base/error.hpp"
#include "node_state.hpp"

namespace loam::node {

struct NodeView {
  std::string version;
  std::string state;
  std::vector<Condition> conditions;
  Progress progress;
  std::string plan;
  std::string gate;                    // of a release on trial: passes, waits or rack
  std::int64_t network_goes_back = 0;  // seconds of CLOCK_BOOTTIME; 0: no network is on trial
};

class NodeClient {
 public:
  static Result<NodeClient> connect();

  Result<NodeView> view();
  // Machine, Disks, Storage, Links, Slots or Upgrade, as JSON.
  Result<std::string> document(const std::string& name);
  struct Seen {
    NodeView view;
    std::map<std::string, std::string> documents;  // those that could be had
  };
  // Both, for a loop that must not wait: the answer comes once, from the loop that the bus is attached to.
  void look(const std::set<std::string>& documents, std::function<void(Result<Seen>)> answer);
  // PlanConfig, ApplyConfig, WipeDisk, ForgetDisk, StartUpgrade, RollBack.
  Result<std::string> call(const std::string& method, const std::string& argument);
  // A deed on the console. The answer comes once, from the loop that the bus is attached to.
  void console(const std::string& deed, const std::string& argument, const std::string& password,
               std::function<void(Result<std::string>)> answer);
  // Retry, Confirm, Revert, CancelUpgrade, Reboot, PowerOff.
  Result<void> call(const std::string& method);
  // Called from the loop that the bus is attached to when something changed: the documents that did, or none if another
  // loamd is there, or no more.
  Result<void> watch(std::function<void(const std::vector<std::string>& invalidated)> changed);
  // Until loamd says that something changed, or the time is over.
  Result<void> wait_for_change(std::chrono::milliseconds limit);

  sdbus::IConnection& bus() { return *bus_; }
  sdbus::IProxy& proxy() { return *proxy_; }

 private:
  NodeClient(std::unique_ptr<sdbus::IConnection> bus, std::unique_ptr<sdbus::IProxy> proxy)
      : bus_(std::move(bus)), proxy_(std::move(proxy)) {}
  struct Looking;
  enum class Needed : bool { no, yes };
  void ask(const std::shared_ptr<Looking>& looking, const std::string& name, Needed needed,
           const std::function<void(const sdbus::Variant&)>& take);

  std::unique_ptr<sdbus::IConnection> bus_;
  std::unique_ptr<sdbus::IProxy> proxy_;
  sdbus::Slot owner_;
};

}  // namespace loam::node
