// The D-Bus service io.loam.Node1.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <sdbus-c++/sdbus-c++.h>

#include "base/error.hpp"
#include "node_state.hpp"

namespace loam::node {

// What callers may ask for; text in and out. An error becomes the D-Bus error io.loam.Error.Failed.
struct Requests {
  std::function<Result<std::string>(const std::string& config)> plan;
  std::function<Result<std::string>(const std::string& config)> apply;
  std::function<Result<void>()> retry;
  std::function<Result<void>()> confirm;
  std::function<Result<void>()> revert;
  std::function<Result<void>()> reboot;
  std::function<Result<void>()> power_off;
  std::function<Result<void>(const std::string& order)> wipe_disk;  // JSON: id, and the content that was shown
  std::function<Result<void>(const std::string& id)> forget_disk;
  // What somebody does on the console, who need not be root: a deed, what it is about, and the console's password. The
  // answer is given once, now or later.
  std::function<void(const std::string& deed, const std::string& argument, const std::string& password,
                     std::function<void(Result<std::string>)> answer)>
      console;
  std::function<Result<std::string>()> machine;                         // JSON
  std::function<Result<std::string>()> disks;                           // JSON
  std::function<Result<std::string>()> storage;                         // JSON
  std::function<Result<std::string>()> links;                           // JSON
  std::function<Result<std::string>()> slots;                           // JSON
  std::function<Result<std::string>()> upgrade;                         // JSON
  std::function<Result<void>(const std::string& order)> start_upgrade;  // JSON: where, force, reboot
  std::function<Result<void>()> cancel_upgrade;
  std::function<Result<std::string>()> roll_back;  // what happens at the next reboot, for people
};

class NodeService {
 public:
  // Takes the bus name. Throws sdbus::Error where it cannot.
  NodeService(sdbus::IConnection& connection, Requests requests);

  // Publishes what changed since the last call.
  void publish(const Status& status);
  // Says that a document (Disks, Storage, Links, Slots, Upgrade) is another one now; whoever wants it asks for it.
  void document_changed(const char* name);

 private:
  void add_properties();
  void add_methods();

  Requests requests_;
  Status status_;
  std::unique_ptr<sdbus::IObject> object_;
};

}  // namespace loam::node
