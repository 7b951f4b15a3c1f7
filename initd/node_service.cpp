#include "node_service.hpp"

#include "slots/running_release.hpp"
#include "sys/log.hpp"

#include <tuple>
#include <vector>

namespace loam::node {

namespace {

sdbus::Error bus_error(const Error& error) {
  return sdbus::Error(sdbus::Error::Name{"io.loam.Error.Failed"}, error.text());
}

const sdbus::InterfaceName node_interface{std::string(interface_name)};

template <typename T>
T value_or_throw(Result<T> result) {
  if (!result) throw bus_error(result.error());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

void give_refusal(const sdbus::Result<std::string>& to) {
  try {
    to.returnError(bus_error(Error("the answer cannot be sent; loamctl logs says why")));
  } catch (const sdbus::Error& problem) {
    sys::log(sys::Priority::warning, "nor could that be said: " + problem.getMessage());
  }
}

// Whoever asked may be gone when the answer comes.
void give_answer(const sdbus::Result<std::string>& to, const Result<std::string>& answer) {
  try {
    answer ? to.returnResults(*answer) : to.returnError(bus_error(answer.error()));
  } catch (const sdbus::Error& problem) {
    sys::log(sys::Priority::warning, "an answer could not be given: " + problem.getMessage());
    give_refusal(to);
  }
}

using ConditionTuple = sdbus::Struct<std::string, std::string, std::string, std::string>;
using ProgressTuple = sdbus::Struct<std::string, std::string, std::uint64_t, std::uint64_t, double>;

std::vector<ConditionTuple> conditions_of(const Status& status) {
  std::vector<ConditionTuple> list;
  list.reserve(status.conditions.size());
  for (const auto& condition : status.conditions)
    list.emplace_back(condition.type, condition.status, condition.reason, condition.message);
  return list;
}

ProgressTuple progress_of(const Status& status) {
  const auto& progress = status.progress;
  return {progress.step, progress.summary, progress.done, progress.total, progress.seconds_left};
}

}  // namespace

NodeService::NodeService(sdbus::IConnection& connection, Requests requests)
    : requests_(std::move(requests)),
      object_(sdbus::createObject(connection, sdbus::ObjectPath{std::string(object_path)})) {
  add_properties();
  add_methods();
  connection.requestName(sdbus::ServiceName{std::string(bus_name)});
}

void NodeService::add_properties() {
  object_
      ->addVTable(
          sdbus::registerProperty("Version").withGetter([version = slots::running_version()] { return version; }),
          sdbus::registerProperty("State").withGetter([this] { return std::string(state_name(status_.state)); }),
          sdbus::registerProperty("Conditions").withGetter([this] { return conditions_of(status_); }),
          sdbus::registerProperty("Progress").withGetter([this] { return progress_of(status_); }),
          sdbus::registerProperty("Plan").withGetter([this] { return status_.plan; }),
          sdbus::registerProperty("NetworkGoesBack").withGetter([this] { return status_.network_goes_back; }),
          sdbus::registerProperty("Gate").withGetter([this] { return status_.gate; }),
          sdbus::registerProperty("Machine").withGetter([this] { return value_or_throw(requests_.machine()); }),
          sdbus::registerProperty("Disks")
              .withGetter([this] { return value_or_throw(requests_.disks()); })
              .withUpdateBehavior(sdbus::Flags::EMITS_INVALIDATION_SIGNAL),
          sdbus::registerProperty("Storage")
              .withGetter([this] { return value_or_throw(requests_.storage()); })
              .withUpdateBehavior(sdbus::Flags::EMITS_INVALIDATION_SIGNAL),
          sdbus::registerProperty("Links")
              .withGetter([this] { return value_or_throw(requests_.links()); })
              .withUpdateBehavior(sdbus::Flags::EMITS_INVALIDATION_SIGNAL),
          sdbus::registerProperty("Slots")
              .withGetter([this] { return value_or_throw(requests_.slots()); })
              .withUpdateBehavior(sdbus::Flags::EMITS_INVALIDATION_SIGNAL),
          sdbus::registerProperty("Upgrade")
              .withGetter([this] { return value_or_throw(requests_.upgrade()); })
              .withUpdateBehavior(sdbus::Flags::EMITS_INVALIDATION_SIGNAL))
      .forInterface(node_interface);
}

void NodeService::document_changed(const char* name) {
  try {
    object_->emitPropertiesChangedSignal(node_interface, {sdbus::PropertyName{name}});
  } catch (const sdbus::Error& problem) {
    sys::log(sys::Priority::error, std::string(name) + " could not be published: " + problem.getMessage());
  }
}

void NodeService::add_methods() {
  const sdbus::InterfaceName control{std::string(interface_name) + ".Control"};
  object_
      ->addVTable(
          sdbus::registerMethod("PlanConfig").implementedAs([this](const std::string& config) {
            return value_or_throw(requests_.plan(config));
          }),
          sdbus::registerMethod("ApplyConfig").implementedAs([this](const std::string& config) {
            return value_or_throw(requests_.apply(config));
          }),
          // They answer with what they were asked for, as all that take something do with a text.
          sdbus::registerMethod("WipeDisk").implementedAs([this](const std::string& order) {
            value_or_throw(requests_.wipe_disk(order));
            return order;
          }),
          sdbus::registerMethod("ForgetDisk").implementedAs([this](const std::string& id) {
            value_or_throw(requests_.forget_disk(id));
            return id;
          }),
          sdbus::registerMethod("StartUpgrade").implementedAs([this](const std::string& order) {
            value_or_throw(requests_.start_upgrade(order));
            return order;
          }),
          sdbus::registerMethod("RollBack").implementedAs([this](const std::string&) {
            return value_or_throw(requests_.roll_back());
          }),
          sdbus::registerMethod("CancelUpgrade").implementedAs([this] { value_or_throw(requests_.cancel_upgrade()); }),
          sdbus::registerMethod("Retry").implementedAs([this] { value_or_throw(requests_.retry()); }),
          sdbus::registerMethod("Confirm").implementedAs([this] { value_or_throw(requests_.confirm()); }),
          sdbus::registerMethod("Revert").implementedAs([this] { value_or_throw(requests_.revert()); }),
          sdbus::registerMethod("Reboot").implementedAs([this] { value_or_throw(requests_.reboot()); }),
          sdbus::registerMethod("PowerOff").implementedAs([this] { value_or_throw(requests_.power_off()); }))
      .forInterface(control);
  object_
      ->addVTable(
          sdbus::registerMethod("Do").implementedAs([this](sdbus::Result<std::string>&& result, const std::string& deed,
                                                           const std::string& argument, const std::string& password) {
            requests_.console(deed, argument, password,
                              [to = std::make_shared<sdbus::Result<std::string>>(std::move(result))](
                                  const Result<std::string>& answer) { give_answer(*to, answer); });
          }))
      .forInterface(sdbus::InterfaceName{std::string(interface_name) + ".Console"});
}

void NodeService::publish(const Status& status) {
  std::vector<sdbus::PropertyName> changed;
  if (status.state != status_.state) changed.emplace_back("State");
  if (status.conditions != status_.conditions) changed.emplace_back("Conditions");
  if (status.progress != status_.progress) changed.emplace_back("Progress");
  if (status.plan != status_.plan) changed.emplace_back("Plan");
  if (status.gate != status_.gate) changed.emplace_back("Gate");
  if (status.network_goes_back != status_.network_goes_back) changed.emplace_back("NetworkGoesBack");
  if (changed.empty()) return;
  status_ = status;
  try {
    object_->emitPropertiesChangedSignal(node_interface, changed);
  } catch (const sdbus::Error& problem) {
    sys::log(sys::Priority::error, "the state could not be published: " + problem.getMessage());
  }
}

}  // namespace loam::node
