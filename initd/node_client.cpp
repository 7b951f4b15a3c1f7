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
  // The bus says NoReply of a time limit, and of a loamd that ended meanwhile.
  const bool late = problem.getMessage().contains("timed out");
  if (late || problem.getName() == "org.freedesktop.DBus.Error.Timeout")
    return fail("loamd has not answered in time", "it may wait for a unit or a disk; loamctl logs says for which");
  if (problem.getName() == "org.freedesktop.DBus.Error.NoReply")
    return fail("loamd ended before it answered", "it starts again by itself; loamctl logs says why it ended");
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
  } catch (const std::exception& problem) {  // in an answer it would be dropped, and nobody would hear of it
    return fail(problem.what());
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

namespace {

struct Property {
  const char* name;
  void (*set)(NodeView& view, const sdbus::Variant& value);
};

std::vector<Condition> conditions(const sdbus::Variant& value) {
  std::vector<Condition> all;
  for (const auto& tuple : value.get<std::vector<ConditionTuple>>())
    all.push_back({tuple.get<0>(), tuple.get<1>(), tuple.get<2>(), tuple.get<3>()});
  return all;
}

Progress progress(const sdbus::Variant& value) {
  const auto tuple = value.get<ProgressTuple>();
  return {tuple.get<0>(), tuple.get<1>(), tuple.get<2>(), tuple.get<3>(), tuple.get<4>()};
}

constexpr std::array<Property, 7> properties = {{
    {"Version", [](NodeView& view, const sdbus::Variant& value) { view.version = value.get<std::string>(); }},
    {"State", [](NodeView& view, const sdbus::Variant& value) { view.state = value.get<std::string>(); }},
    {"Plan", [](NodeView& view, const sdbus::Variant& value) { view.plan = value.get<std::string>(); }},
    {"Conditions", [](NodeView& view, const sdbus::Variant& value) { view.conditions = conditions(value); }},
    {"Progress", [](NodeView& view, const sdbus::Variant& value) { view.progress = progress(value); }},
    {"Gate", [](NodeView& view, const sdbus::Variant& value) { view.gate = value.get<std::string>(); }},
    {"NetworkGoesBack",
     [](NodeView& view, const sdbus::Variant& value) { view.network_goes_back = value.get<std::int64_t>(); }},
}};

}  // namespace

Result<NodeView> NodeClient::view() {
  return guarded([this] {
    NodeView view;
    for (const auto& property : properties)
      property.set(view, proxy_->getProperty(property.name).onInterface(std::string(interface_name)));
    return view;
  });
}

Result<std::string> NodeClient::document(const std::string& name) {
  return guarded([&] { return proxy_->getProperty(name).onInterface(std::string(interface_name)).get<std::string>(); });
}

// Asked all at once; the answer is whole when the last one is there.
struct NodeClient::Looking {
  std::function<void(Result<Seen>)> answer;
  std::size_t awaited = 0;
  Seen seen;
  std::optional<Error> problem;

  void answered() {
    if (--awaited > 0) return;
    answer(problem ? Result<Seen>(std::unexpected(*problem)) : Result<Seen>(std::move(seen)));
  }
};

void NodeClient::ask(const std::shared_ptr<Looking>& looking, const std::string& name, Needed needed,
                     const std::function<void(const sdbus::Variant&)>& take) {
  const auto asked = guarded([&] {
    proxy_->getPropertyAsync(name)
        .onInterface(std::string(interface_name))
        // By value: sdbus-c++ knows such a function by that.
        .uponReplyInvoke([looking, needed, take](std::optional<sdbus::Error> problem, sdbus::Variant value) {  // NOLINT
          const auto taken = problem ? Result<void>(failed(*problem)) : guarded([&] { take(value); });
          if (!taken && needed == Needed::yes) looking->problem = taken.error();
          looking->answered();
        });
  });
  if (asked) return;
  looking->problem = asked.error();
  looking->answered();
}

Result<void> NodeClient::watch(std::function<void(const std::vector<std::string>& invalidated)> changed) {
  return guarded([&] {
    proxy_->uponSignal("PropertiesChanged")
        .onInterface("org.freedesktop.DBus.Properties")
        .call([changed](const std::string&, const std::map<std::string, sdbus::Variant>&,
                        const std::vector<std::string>& invalidated) { changed(invalidated); });
    // A loamd that ends says nothing, and the next one is another.
    owner_ = bus_->addMatch(
        std::format("type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
                    "member='NameOwnerChanged',arg0='{}'",
                    bus_name),
        [changed](const sdbus::Message&) { changed({}); }, sdbus::return_slot);
  });
}

void NodeClient::look(const std::set<std::string>& documents, std::function<void(Result<Seen>)> answer) {
  const auto looking = std::make_shared<Looking>();
  looking->answer = std::move(answer);
  looking->awaited = properties.size() + documents.size();
  // The shared state lives as long as its answers are awaited.
  for (const auto& property : properties)
    ask(looking, property.name, Needed::yes,
        [state = looking.get(), set = property.set](const auto& value) { set(state->seen.view, value); });
  for (const auto& name : documents)
    ask(looking, name, Needed::no, [state = looking.get(), name](const auto& value) {
      state->seen.documents[name] = value.template get<std::string>();
    });
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
