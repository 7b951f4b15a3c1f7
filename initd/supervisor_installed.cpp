// The supervisor on an installed node: /etc follows loam.yaml.
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <format>
#include <map>
#include <thread>

#include "base/file.hpp"
#include "base/text.hpp"
#include "media_handoff.hpp"
#include "model/parse.hpp"
#include "netcfg/firewall.hpp"
#include "netcfg/hostname.hpp"
#include "netcfg/interruptions.hpp"
#include "netcfg/links.hpp"
#include "netcfg/networkd.hpp"
#include "plan/executor.hpp"
#include "plan/node_plan.hpp"
#include "slots/gpt.hpp"
#include "supervisor.hpp"
#include "sys/log.hpp"
#include "sys/subprocess.hpp"

namespace loam::node {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t config_read_limit = std::size_t{2} << 20U;
constexpr std::string_view config_path = "/loam/loam.yaml";
constexpr std::string_view journal_path = "/loam/apply.journal";
constexpr std::chrono::seconds apply_again{30};
constexpr std::chrono::seconds firewall_again{30};
const sys::RunOptions limited{.timeout = std::chrono::seconds(30), .input = {}, .environment = {}};

fs::path keyboard_file(const model::KeyboardLayout& layout) {
  return fs::path("/usr/share/loam/keyboards") / (layout.str() + ".map");
}

std::string current_hostname() {
  const auto text = read_file("/etc/hostname", 256);
  return text ? std::string(trim(*text)) : "loam";
}

// The name of a node whose loam.yaml has none, for ever: kept where the initrd finds it.
Result<std::string> fallback_hostname() {
  LOAM_TRY(const auto kept, read_if_there(netcfg::hostname_path, 256));
  if (kept) return std::string(trim(*kept));
  LOAM_TRY(const auto links, netcfg::observe_links());
  return netcfg::fallback_hostname(links);
}

std::vector<plan::RenderedFile> desired_files(const model::Config& config, const std::string& fallback_name) {
  auto files = plan::render_node_files(config, fallback_name);
  for (auto& file : netcfg::render_network(config.network)) files.push_back(std::move(file));
  files.push_back(netcfg::render_firewall(config));
  return files;
}

// What stands where we would write, and all of networkd's files: those are ours alone.
Result<std::map<std::string, std::string>> observed_files(const std::vector<plan::RenderedFile>& desired) {
  std::map<std::string, std::string> found;
  const auto take = [&](const fs::path& path) -> Result<void> {
    LOAM_TRY(auto text, read_if_there(path));
    if (text) found[path.string()] = *std::move(text);
    return {};
  };
  for (const auto& file : desired) LOAM_CHECK(take(file.path));
  // What loam.yaml no longer asks for must go: a key that was taken out opens no door.
  for (const auto* const path : {"/etc/ssh/authorized_keys.d/root", "/etc/systemd/timesyncd.conf.d/50-loam.conf",
                                 "/etc/systemd/system.conf.d/50-loam-proxy.conf"})
    LOAM_CHECK(take(path));
  std::error_code none;
  for (auto entry = fs::directory_iterator("/etc/systemd/network", none); entry != fs::directory_iterator();
       entry.increment(none))
    LOAM_CHECK(take(entry->path()));
  return found;
}

Result<void> write_action(const plan::Action& action) {
  const auto& mode_text = action.arguments.at("mode");
  unsigned mode = 0;
  std::from_chars(mode_text.data(), mode_text.data() + mode_text.size(), mode, 8);
  return write_file_atomic(action.target, action.arguments.at("content"), mode);
}

Result<void> remove_action(const plan::Action& action) {
  if (::unlink(action.target.c_str()) != 0 && errno != ENOENT) return fail_errno(action.target);
  return {};
}

// udev gives no name that another NIC has. One that holds the name of another lets it go first.
Result<void> free_names(const std::vector<netcfg::Link>& links) {
  LOAM_TRY(const auto text, read_if_there(netcfg::pins_path, 1U << 20U));
  if (!text) return {};
  LOAM_TRY(const auto pins, netcfg::parse_pins(*text));
  for (const auto& link : links) {
    const auto pin = pins.find(link.name);
    const bool held =
        pin != pins.end() && link.kind == "nic" && netcfg::identity(link) != pin->second &&
        std::ranges::contains(links, pin->second, [](const auto& other) { return netcfg::identity(other); });
    if (held)
      LOAM_CHECK(sys::run({"ip", "link", "set", "dev", link.name, "name", std::format("loam{}", link.index)}, limited));
  }
  return {};
}

// udev gives names when a device appears: for those that are there, it is told that they just did.
Result<void> name_nics(const std::vector<netcfg::Link>& links) {
  std::vector<std::string> argv = {"udevadm", "trigger", "--action=add", "--settle"};
  for (const auto& link : links)
    if (link.kind == "nic") argv.push_back("/sys/class/net/" + link.name);
  if (argv.size() == 4) return {};
  LOAM_CHECK(sys::run({"udevadm", "control", "--reload"}, limited));
  LOAM_CHECK(sys::run(argv, limited));
  return {};
}

// An installation that was cut off right before its last step left the mark: this disk boots, so it is whole.
Result<void> remove_installing_mark(const slots::BootDisk& disk) {
  LOAM_TRY(const auto devices, sys::block_devices());
  const auto loam = std::ranges::find(devices, disk.loam, &sys::BlockDevice::node);
  if (loam == devices.end() || loam->property("ID_PART_ENTRY_NAME") != slots::installing_mark) return {};
  const auto kind = slots::kind(slots::Part::loam);
  return slots::set_partition_name(disk.disk, 512, slots::number(slots::Part::loam), kind.name);
}

// A method of one of systemd's services, by the name of its interface: service and path follow from that.
template <typename... Arguments>
Result<void> ask(sdbus::IConnection& bus, const std::string& interface, const char* method,
                 const Arguments&... arguments) {
  const auto service = interface.ends_with(".Manager")
                           ? interface.substr(0, interface.size() - std::string(".Manager").size())
                           : interface;
  auto path = "/" + service;
  std::ranges::replace(path, '.', '/');
  auto proxy = sdbus::createProxy(bus, sdbus::ServiceName{service}, sdbus::ObjectPath{path});
  auto call = proxy->createMethodCall(sdbus::InterfaceName{interface}, sdbus::MethodName{method});
  ((call << arguments), ...);
  proxy->callMethod(call, std::chrono::seconds(30));
  return {};
}

bool networkd_knows(sdbus::IConnection& bus, const std::string& link) {
  try {
    return ask(bus, "org.freedesktop.network1.Manager", "GetLinkByName", link).has_value();
  } catch (const sdbus::Error&) {
    return false;
  }
}

// A bond, VLAN or bridge that is made anew, or no longer wanted. networkd makes it when it reads its files again; as
// long as it takes the old one for there, it fails to.
Result<void> delete_link(sdbus::IConnection& bus, const std::string& link) {
  std::error_code none;
  const auto there = fs::path("/sys/class/net") / link;
  // A NIC may have its name by now.
  if (!fs::exists(there, none) || fs::exists(there / "device", none)) return {};
  LOAM_CHECK(
      sys::run({"networkctl", "delete", link}, {.timeout = std::chrono::seconds(20), .input = {}, .environment = {}}));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (networkd_knows(bus, link)) {
    if (std::chrono::steady_clock::now() > deadline)
      return fail(std::format("systemd-networkd did not notice within 10 s that {} is gone", link),
                  "loamctl retry goes on from here");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // it has no signal of its own for this
  }
  return {};
}

struct Logger : plan::Observer {
  void begin(const plan::Action& action, std::size_t index, std::size_t count) override {
    // Each action has a time limit of its own; many slow ones are not a hang.
    sd_notify(0, "WATCHDOG=1\nEXTEND_TIMEOUT_USEC=60000000");
    sys::log(sys::Priority::info, std::format("apply {}/{}: {} {}", index + 1, count, action.kind, action.target),
             {{"LOAM_ACTION", action.kind}, {"LOAM_TARGET", action.target}});
  }
};

}  // namespace

// The parser knows what a zone's name looks like; which there are, only the image knows.
// Names of files in this release.
Result<void> Supervisor::check_names(const model::Config& config) {
  std::error_code none;
  const auto& zone = config.time.zone.str();
  if (!fs::is_regular_file(fs::path("/usr/share/zoneinfo") / zone, none))
    return fail(std::format("time.zone: this release has no time zone \"{}\"", zone),
                "timedatectl list-timezones shows all");
  if (config.keyboard && !fs::is_regular_file(keyboard_file(*config.keyboard), none))
    return fail(std::format("keyboard: this release has no layout \"{}\"", config.keyboard->str()),
                "ls /usr/share/loam/keyboards shows all");
  return {};
}

void Supervisor::load_config() {
  // The medium may have sent us here.
  if (auto forgot = forget_handoff(); !forgot) sys::log(sys::Priority::warning, forgot.error().text());
  if (auto whole = remove_installing_mark(boot_.disk); !whole)
    set_condition("Installation", "false", "MarkStays", whole.error().text() + "; a medium may install over this disk");
  else if (condition_is("Installation", "false"))
    set_condition("Installation", "true", "Whole", "the installing mark is gone");
  if (!boot_.problems.empty()) {
    set_condition("Config", "unknown", "NotRead", "without its partitions this node changes nothing");
    settle();
    return;
  }
  if (!trial_)
    if (auto resumed = resume_trial(); !resumed)
      sys::log(sys::Priority::error, "a change of the network on trial: " + resumed.error().text());
  say_went_back();
  auto text = read_file(config_path, config_read_limit);
  if (!text) {
    set_condition("Config", "false", "Unreadable", text.error().text());
    settle();
    return;
  }
  if (auto valid = model::parse_config(*text, "loam.yaml"); !valid) {
    set_condition("Config", "false", "Invalid", valid.error().text());
  } else if (auto tried = try_if_unconfirmed(valid->network); !tried) {
    set_condition("Config", "false", "NotApplied", tried.error().text());
  } else if (auto applied = apply_config(*text, true); !applied) {
    if (!condition_is("Config", "false")) set_condition("Config", "false", "NotApplied", applied.error().text());
    apply_after(apply_again);
  }
  settle();
}

Result<plan::Plan> Supervisor::plan_for(const model::Config& config) const {
  LOAM_TRY(const auto name, fallback_hostname());
  const auto desired = desired_files(config, name);
  LOAM_TRY(const auto observed, observed_files(desired));
  LOAM_TRY(const auto interrupted, plan::interrupted_plan(journal_path));
  auto todo = plan::plan_node(desired, observed);
  return interrupted ? plan::with_owed_effects(std::move(todo), *interrupted) : std::move(todo);
}

// The plan, what it interrupts and what is better known before.
std::string Supervisor::plan_text(const plan::Plan& todo, const model::Config& config) const {
  auto text = plan::format(todo);
  for (const auto& finding : netcfg::mixed_speeds(config.network, network_.table()))
    text += std::format("  warning: {}\n", finding.text);
  if (!network_config_) return text;
  for (const auto& sentence : netcfg::unprovable(network_config_->network, config.network))
    text += std::format("  warning: {}; it goes back unless loamctl confirm keeps it\n", sentence);
  for (const auto& sentence : netcfg::interruptions(*network_config_, config))
    text += std::format("  interrupts: {}\n", sentence);
  return text;
}

Result<std::string> Supervisor::plan_request(const std::string& text) {
  LOAM_TRY(auto config, model::parse_config(text, "loam.yaml"));
  LOAM_CHECK(check_names(config));
  LOAM_TRY(const auto pins, pins_for(config.network, false));
  config.network = netcfg::pinned_network(config.network, pins);
  LOAM_TRY(const auto todo, plan_for(config));
  return plan_text(todo, config);
}

Result<std::string> Supervisor::apply_request(const std::string& text) {
  if (boot_.live) return fail("this system runs from a medium", "give loam.yaml on a volume labelled LOAM");
  if (!boot_.problems.empty())
    return fail(join(boot_.problems, "; "), "without its partitions this node changes nothing");
  LOAM_CHECK(check_trial(text));
  return apply_config(text, false);
}

// What has nothing to do with a network on trial would go back with it: a key that was taken out would open again.
Result<void> Supervisor::check_trial(const std::string& text) const {
  if (!trial_ || !config_ || text == config_->text) return {};
  LOAM_TRY(const auto wanted, model::parse_config(text, "loam.yaml"));
  const auto on_trial = model::parse_config(config_->text, config_->name);
  if (!on_trial || on_trial->network != wanted.network) return {};
  return fail("a change of the network is on trial, and this change would go back with it",
              "loamctl confirm or loamctl revert first");
}

Result<std::string> Supervisor::apply_config(const std::string& text, bool at_boot) {
  LOAM_TRY(auto config, model::parse_config(text, "loam.yaml"));
  LOAM_CHECK(check_names(config));
  LOAM_TRY(const auto confirmed, confirmed_network());
  const bool same_network = confirmed == config.network;
  LOAM_TRY(const auto pins, pins_for(config.network, at_boot));
  config.network = netcfg::pinned_network(config.network, pins);
  LOAM_TRY(const auto todo, plan_for(config));
  status_.plan = plan_text(todo, config);
  const bool new_network = netcfg::changes_links(todo);
  if (netcfg::needs_trial(todo, same_network) && !at_boot) LOAM_CHECK(begin_trial(config.network));
  // The wish is on disk before the first effect: after a kill or a power cut the next start goes on from it.
  auto done = write_wish(text, config, pins);
  if (done && !todo.empty()) done = apply_plan(todo);
  if (!done) {
    apply_failed(done.error());
    return std::unexpected(std::move(done).error());
  }
  if (!at_boot) nics_known();
  set_condition("Config", "true", "Applied",
                todo.empty() ? "nothing to change" : std::format("{} changes made", todo.actions.size()));
  // A way back must not undo what has nothing to do with the network, such as a key that was taken out.
  if (same_network && !trial_) keep_confirmed();
  network_.want(config.network);
  network_config_ = std::move(config);
  want_disks();
  want_upgrades();
  want_cluster();
  look_at_firewall();
  new_network ? network_is_changing() : judge_network();
  settle();
  return status_.plan;
}

// Its rules are loaded before the network is up, which does not wait for how that ended.
void Supervisor::look_at_firewall() {
  const std::string unit(netcfg::firewall_unit);
  const bool failed = sys::run({"systemctl", "is-failed", "--quiet", unit}, limited).has_value();
  if (!failed || reload_unit(unit)) return drop_condition("Firewall");
  set_condition(
      "Firewall", "false", "NotLoaded",
      std::format("{} failed: the rules are those from before, or none after a restart; it is tried again every {} s, "
                  "and loamctl logs -- -u {} says why",
                  unit, firewall_again.count(), unit));
  auto timer = loop_->after(firewall_again, [this] {
    look_at_firewall();
    settle();
  });
  if (timer) firewall_timer_ = *std::move(timer);
}

// Claims by the configuration that is applied; a live system claims nothing.
void Supervisor::want_disks() {
  if (boot_.live || !network_config_) return;
  const auto& config = *network_config_;
  const bool named = config.cluster && config.cluster->ceph_fsid;
  auto wanted = disks_.want(config.storage, current_hostname(), named ? config.cluster->ceph_fsid->str() : "");
  if (!wanted) sys::log(sys::Priority::error, "disks: " + wanted.error().text());
  disks_changed();
}

Result<void> Supervisor::write_wish(const std::string& text, const model::Config& config, const netcfg::Pins& pins) {
  LOAM_CHECK(write_file_if_changed(config_path, text, 0600));
  config_ = ConfigText{text, "loam.yaml"};
  LOAM_CHECK(write_file_if_changed(netcfg::pins_path, netcfg::to_json(pins)));
  if (config.hostname) return {};
  LOAM_TRY(const auto name, fallback_hostname());
  LOAM_CHECK(write_file_if_changed(netcfg::hostname_path, name + "\n"));
  return {};
}

// A network that is half of the old one need not wait for the end of its trial. Without a trial it is tried again:
// nobody may be there to say `loamctl retry`, and nobody may get there.
void Supervisor::apply_failed(const Error& error) {
  network_.forget_probes();  // of the network that was to be replaced
  network_problem_ = error.text();
  set_condition("Config", "false", "ApplyFailed", error.text() + "; loamctl retry goes on from here");
  if (trial_)
    end_trial_after(std::chrono::seconds(0));
  else
    apply_after(apply_again);
  settle();
}

void Supervisor::apply_after(std::chrono::seconds delay) {
  auto timer = loop_->after(delay, [this] { load_config(); });
  if (timer) apply_timer_ = *std::move(timer);
}

Result<void> Supervisor::apply_plan(const plan::Plan& todo) {
  LOAM_TRY(auto journal, plan::Journal::open(journal_path, todo));
  Logger logger;
  const plan::Handlers handlers = {
      {"write-file", write_action},
      {"remove-file", remove_action},
      {"delete-link", [this](const plan::Action& action) { return delete_link(*bus_, action.target); }},
      {"reload", [this](const plan::Action& action) { return reload_unit(action.target); }}};
  return plan::run(todo, journal, handlers, logger);
}

Result<void> Supervisor::reload_unit(const std::string& unit) {
  try {
    if (unit == "systemd-networkd.service") return ask(*bus_, "org.freedesktop.network1.Manager", "Reload");
    if (unit == "daemon-reexec") return ask(*bus_, "org.freedesktop.systemd1.Manager", "Reload");
    // These two read what was written, and tell the kernel and everybody who listens.
    if (unit == "systemd-hostnamed.service")
      return ask(*bus_, "org.freedesktop.hostname1", "SetHostname", current_hostname(), false);
    if (unit == "systemd-timedated.service") {
      LOAM_TRY(const auto zone, read_file("/etc/timezone", 256));
      return ask(*bus_, "org.freedesktop.timedate1", "SetTimezone", std::string(trim(zone)), false);
    }
  } catch (const sdbus::Error& problem) {
    return fail(problem.getMessage());
  }
  if (unit == plan::nic_names) {
    LOAM_CHECK(free_names(network_.links()));
    LOAM_TRY(const auto links, netcfg::observe_links());
    return name_nics(links);
  }
  // Waits for the end and knows how it was, which a call of RestartUnit does not.
  LOAM_CHECK(
      sys::run({"systemctl", "restart", unit}, {.timeout = std::chrono::seconds(30), .input = {}, .environment = {}}));
  return {};
}

}  // namespace loam::node
