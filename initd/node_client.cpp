#include "node_client.hpp"

#include <poll.h>

#include <array>
#include <chrono>
#include <format>
#include <map>
#include <optional>
#include <vector>

namespace loam::node {

namespace {

using ConditionTuple = sdbus::Struct<std::string, std::string, std::string, std::string>;
using ProgressTuple = sdbus::Struct<std::string, std::string, std::uint64_t, std::uint64_t, double>;

const std::string control_interface = std::string(interface_name) + ".Control";
// Applying waits for units to restart.
constexpr std::chrono::minutes call_limit{5};

std::unexpected<Error> failed(const sdbus::Error& problem) {
  if (problem.getName() == "org.freedesktop.DBus.Error.AccessDenied")
    return fail("only root may do this", "log in as root by ssh, or do it on the node's own console");
  if (problem.getName() == "org.freedesktop.DBus.Error.ServiceUnknown")
    return fail("loamd does not run", "systemctl status loamd and loamctl logs say why");
  return fail(problem.getMessage());
}

template <typename Call>
auto guarded(Call call) -> Result<decltype(call())> {
  try {
    if constexpr (std::is_void_v<decltype(call())>) {
      call();
      return {};
    } else {
      return call();
    }
  } catch (const sdbus::Error& problem) {
    return failed(problem);
  }
}

}  // namespace

Result<NodeClient> NodeClient::connect() {
  try {
    auto bus = sdbus::createSystemBusConnection();
    auto proxy = sdbus::createProxy(*bus, sdbus::ServiceName{std::string(bus_name)},
                                    sdbus::ObjectPath{std::string(object_path)});
    return NodeClient(std::move(bus), std::move(proxy));
  } catch (const sdbus::Error& problem) {
    return fail("the system bus cannot be reached: " + problem.getMessage(), "systemctl status dbus says why");
  }
}

Result<NodeView> NodeClient::view() {
  return guarded([this] {
    const auto get = [this](const char* name) {
      return proxy_->getProperty(name).onInterface(std::string(interface_name));
    };
    NodeView view;
    view.version = get("Version").get<std::string>();
    view.state = get("State").get<std::string>();
    view.plan = get("Plan").get<std::string>();
    for (const auto& tuple : get("Conditions").get<std::vector<ConditionTuple>>())
      view.conditions.push_back({tuple.get<0>(), tuple.get<1>(), tuple.get<2>(), tuple.get<3>()});
    const auto progress = get("Progress").get<ProgressTuple>();
    view.network_goes_back = get("NetworkGoesBack").get<std::int64_t>();
    view.progress = {progress.get<0>(), progress.get<1>(), progress.get<2>(), progress.get<3>(), progress.get<4>()};
    return view;
  });
}

Result<std::string> NodeClient::document(const std::string& name) {
  return guarded([&] { return proxy_->getProperty(name).onInterface(std::string(interface_name)).get<std::string>(); });
}

Result<std::string> NodeClient::call(const std::string& method, const std::string& argument) {
  return guarded([&] {
    std::string answer;
    proxy_->callMethod(method)
        .onInterface(control_interface)
        .withTimeout(call_limit)
        .withArguments(argument)
        .storeResultsTo(answer);
    return answer;
  });
}

void NodeClient::console(const std::string& deed, const std::string& argument, const std::string& password,
                         std::function<void(Result<std::string>)> answer) {
  const auto asked = guarded([&] {
    proxy_->callMethodAsync("Do")
        .onInterface(std::string(interface_name) + ".Console")
        .withTimeout(call_limit)
        .withArguments(deed, argument, password)
        // By value: sdbus-c++ knows such a function by that.
        .uponReplyInvoke([answer](std::optional<sdbus::Error> problem, const std::string& text) {  // NOLINT
          answer(problem ? failed(*problem) : Result<std::string>(text));
        });
  });
  if (!asked) answer(std::unexpected(asked.error()));
}

Result<void> NodeClient::call(const std::string& method) {
  return guarded([&] { proxy_->callMethod(method).onInterface(control_interface).withTimeout(call_limit); });
}

Result<void> NodeClient::wait_for_change(std::chrono::milliseconds limit) {
  return guarded([&] {
    bool changed = false;
    proxy_->uponSignal("PropertiesChanged")
        .onInterface("org.freedesktop.DBus.Properties")
        .call([&changed](const std::string&, const std::map<std::string, sdbus::Variant>&,
                         const std::vector<std::string>&) { changed = true; });
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!changed) {
      while (bus_->processPendingEvent()) {
      }
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      if (changed || left.count() <= 0) break;
      const auto data = bus_->getEventLoopPollData();
      std::array<pollfd, 2> fds = {pollfd{.fd = data.fd, .events = data.events, .revents = 0},
                                   pollfd{.fd = data.eventFd, .events = POLLIN, .revents = 0}};
      ::poll(fds.data(), fds.size(), static_cast<int>(left.count()));
    }
    proxy_->unregister();  // the handler holds a variable of this call
  });
}

}  // namespace loam::node
