#include "netcfg/trial.hpp"

#include <gtest/gtest.h>

#include <map>

#include "model/parse.hpp"
#include "netcfg/firewall.hpp"
#include "netcfg/networkd.hpp"
#include "netcfg/pins.hpp"
#include "plan/node_plan.hpp"

namespace loam::netcfg {
namespace {

std::vector<plan::RenderedFile> files(const std::string& yaml) {
  auto config = model::parse_config("version: 1\n" + yaml, "test");
  EXPECT_TRUE(config) << config.error().text();
  config->network = pinned_network(config->network, {});
  auto list = render_network(config->network);
  list.push_back(render_firewall(*config));
  return list;
}

plan::Plan change(const std::string& before, const std::string& after) {
  std::map<std::string, std::string> there;
  for (const auto& file : files(before)) there[file.path] = file.content;
  return plan::plan_node(files(after), there);
}

const std::string network =
    "network:\n  nics: [{name: a, match: {mac: \"52:54:00:00:00:01\"}}]\n  interfaces: [{link: a, roles: [management, "
    "cluster], addresses: [192.0.2.11/24]}]\n";

TEST(Trial, AChangedFirewallIsTriedWithItsNetwork) {
  const auto todo = change(network, network + "  firewall: {allow: [{port: 9000}]}\n");
  ASSERT_EQ(todo.actions.size(), 2U) << "its file, and its reload";
  EXPECT_TRUE(needs_trial(todo, false));
  EXPECT_FALSE(changes_links(todo)) << "nothing of networkd's has to settle";
}

TEST(Trial, WhatAKeyOrTheClusterOpensDoesNotGoBack) {
  const auto key = change(network, network +
                                       "access: {ssh_keys: [ssh-ed25519 "
                                       "AAAAC3NzaC1lZDI1NTE5AAAAIJx8xC1cPz1vZxWv6m3tYy5c1i3Nq2d8Jb0mUuYkq0aB a@b]}\n");
  EXPECT_FALSE(key.empty());
  EXPECT_FALSE(needs_trial(key, true));
  const auto cluster = change(network, network + "cluster: {name: c}\n");
  EXPECT_FALSE(cluster.empty());
  EXPECT_FALSE(needs_trial(cluster, true));
}

TEST(Trial, LinksAreAlwaysTried) {
  const auto todo = change(network, network + "  dns: {servers: [192.0.2.53]}\n");
  EXPECT_TRUE(changes_links(todo));
  EXPECT_TRUE(needs_trial(todo, true));
  EXPECT_FALSE(needs_trial(change(network, network), false));
}

TEST(Trial, WhatIsOwedIsTriedToo) {
  const auto before = change(network, network + "  firewall: {enabled: false}\n");
  EXPECT_TRUE(needs_trial(plan::with_owed_effects({}, before), false));
}

}  // namespace
}  // namespace loam::netcfg
