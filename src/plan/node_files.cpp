#include "plan/node_files.hpp"

#include <format>
#include <optional>

#include "base/prefix.hpp"

namespace loam::plan {

namespace {

template <typename List>
std::string words(const List& list, std::string_view separator = " ") {
  std::string text;
  for (const auto& item : list) {
    if (!text.empty()) text += separator;
    text += item.str();
  }
  return text;
}

RenderedFile hostname(const std::string& name) {
  return {"/etc/hostname", name + "\n", 0644, "systemd-hostnamed.service"};
}

// The cluster's API has a name that no DNS server need know. Without a virtual address a control plane asks its own API
// server, a worker the first node that it is to join.
std::string api_host(const model::Cluster& cluster) {
  const auto address = cluster.vip                                                        ? cluster.vip->str()
                       : cluster.role == model::NodeRole::worker && !cluster.join.empty() ? cluster.join.front().str()
                                                                                          : "127.0.0.1";
  return std::format("{} api.{}\n", without_prefix(address), cluster.name.str());
}

RenderedFile hosts(const std::string& name, const std::optional<model::Cluster>& cluster) {
  return {"/etc/hosts",
          std::format("127.0.0.1 localhost\n127.0.1.1 {0}\n::1 localhost ip6-localhost\n", name) +
              (cluster ? api_host(*cluster) : ""),
          0644, ""};
}

// sshd.service runs only while this file exists.
RenderedFile ssh_keys(const model::Access& access) {
  return {"/etc/ssh/authorized_keys.d/root", words(access.ssh_keys, "\n") + "\n", 0600, "ssh.service"};
}

RenderedFile ntp(const model::Time& time) {
  return {"/etc/systemd/timesyncd.conf.d/50-loam.conf", std::format("[Time]\nNTP={}\n", words(time.servers)), 0644,
          "systemd-timesyncd.service"};
}

RenderedFile proxy(const model::Proxy& proxy) {
  std::string text = "[Manager]\n";
  const auto set = [&](std::string_view name, std::string value) {
    // systemd expands specifiers, and passwords have percent signs.
    for (std::size_t at = 0; (at = value.find('%', at)) != value.npos; at += 2) value.insert(at, 1, '%');
    if (!value.empty()) text += std::format("DefaultEnvironment=\"{}={}\"\n", name, value);
  };
  set("http_proxy", proxy.http ? proxy.http->str() : "");
  set("https_proxy", proxy.https ? proxy.https->str() : "");
  set("no_proxy", words(proxy.except, ","));
  return {"/etc/systemd/system.conf.d/50-loam-proxy.conf", text, 0600, "daemon-reexec"};
}

// loam-keyboard.service reads it.
RenderedFile keyboard(const std::optional<model::KeyboardLayout>& layout) {
  return {"/etc/loam/keyboard.conf", std::format("KEYMAP={}\n", layout ? layout->str() : "us"), 0644,
          "loam-keyboard.service"};
}

}  // namespace

std::vector<RenderedFile> render_node_files(const model::Config& config, const std::string& fallback_hostname) {
  const auto name = config.hostname ? config.hostname->str() : fallback_hostname;
  std::vector<RenderedFile> files = {hostname(name), hosts(name, config.cluster), keyboard(config.keyboard)};
  if (!config.access.ssh_keys.empty()) files.push_back(ssh_keys(config.access));
  if (!config.time.servers.empty()) files.push_back(ntp(config.time));
  if (config.proxy != model::Proxy{}) files.push_back(proxy(config.proxy));
  files.push_back({"/etc/timezone", config.time.zone.str() + "\n", 0644, "systemd-timedated.service"});
  return files;
}

}  // namespace loam::plan
