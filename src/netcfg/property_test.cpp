// Whatever valid network is asked for: its canonical text says the same, it renders, and applied twice it changes
// nothing.
#include <gtest/gtest.h>

#include <format>
#include <map>
#include <random>

#include "model/parse.hpp"
#include "netcfg/diagnose.hpp"
#include "netcfg/firewall.hpp"
#include "netcfg/interruptions.hpp"
#include "netcfg/networkd.hpp"
#include "netcfg/pins.hpp"
#include "plan/node_plan.hpp"

namespace loam::netcfg {
namespace {

// A network as a person might write it: mostly valid, never twice the same.
class Author {
 public:
  explicit Author(unsigned seed) : random_(seed) {}

  std::string write() {
    const int nics = upto(6) + 1;
    std::string text = "version: 1\nnetwork:\n  nics:\n";
    for (int i = 0; i < nics; ++i) {
      text += std::format("    - {{name: n{0}, match: {{mac: \"52:54:00:00:00:{0:02x}\"}}}}\n", i);
      free_.push_back(std::format("n{}", i));
    }
    for (int i = 0; i < upto(3); ++i) bond(i);
    for (int i = 0; i < upto(3); ++i) bridge(i);
    for (int i = 0; i < upto(5); ++i) vlan(i);
    for (std::size_t i = 0; i < free_.size(); ++i) interface(free_[i], static_cast<int>(i));
    if (!bonds_.empty()) text += "  bonds:\n" + bonds_;
    if (!bridges_.empty()) text += "  bridges:\n" + bridges_;
    if (!vlans_.empty()) text += "  vlans:\n" + vlans_;
    if (!interfaces_.empty()) text += "  interfaces:\n" + interfaces_;
    if (chance()) text += "  dns: {servers: [198.51.100.53], search: [site.example]}\n";
    return text;
  }

 private:
  int upto(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  bool chance() { return upto(2) == 0; }
  template <typename... T>
  std::string one_of(const T&... texts) {
    const std::vector<std::string> list{texts...};
    return list[static_cast<std::size_t>(upto(static_cast<int>(list.size())))];
  }
  std::string take() {
    const auto at = free_.begin() + upto(static_cast<int>(free_.size()));
    auto name = *at;
    free_.erase(at);
    return name;
  }

  void bond(int number) {
    if (free_.size() < 2) return;
    const auto first = take();
    const auto options = one_of("mode: 802.3ad, lacp_rate: slow, ad_select: count, min_links: 2",
                                "mode: active-backup, primary_reselect: failure, primary: " + first,
                                "mode: active-backup, arp_targets: [192.0.2.1, 192.0.2.2], arp_interval_ms: 200",
                                "mode: balance-rr", "mode: balance-xor, hash_policy: encap2+3", "mode: broadcast",
                                "mode: balance-tlb", "mode: balance-alb, primary: " + first);
    bonds_ += std::format("    - {{name: b{}, members: [{}, {}], {}, miimon_ms: {}{}}}\n", number, first, take(),
                          options, 10 + upto(500), chance() ? ", mtu: 9000" : "");
    free_.push_back(std::format("b{}", number));
  }
  void bridge(int number) {
    if (free_.empty()) return;
    bridges_ += std::format("    - {{name: br{}, members: [{}]{}}}\n", number, take(),
                            chance() ? ", trunk: [\"7\", 100-130]" : "");
    free_.push_back(std::format("br{}", number));
  }
  void vlan(int number) {
    if (free_.empty()) return;
    const auto& parent = free_[static_cast<std::size_t>(upto(static_cast<int>(free_.size())))];
    if (parent.starts_with("v")) return;
    vlans_ += std::format("    - {{name: v{}, parent: {}, id: {}}}\n", number, parent, 100 + number);
    free_.push_back(std::format("v{}", number));
  }
  void interface(const std::string& link, int number) {
    if (chance()) return;
    interfaces_ +=
        chance()
            ? std::format("    - {{link: {}, dhcp4: true, ipv6: {}}}\n", link, one_of("slaac", "dhcp", "\"off\""))
            : std::format(
                  "    - {{link: {0}, addresses: [10.0.{1}.5/24, \"2001:db8:{1}::5/64\"], routes: [{{to: "
                  "172.16.{1}.0/24, via: 10.0.{1}.1, table: 7}}], rules: [{{from: 10.0.{1}.0/24, table: 7}}]{2}}}\n",
                  link, number, gateway(number));
  }

  // Only one interface has it.
  std::string gateway(int number) {
    if (std::exchange(has_gateway_, true)) return "";
    return std::format(", gateway: 10.0.{0}.1, gateway6: \"2001:db8:{0}::1\"", number);
  }

  bool has_gateway_ = false;
  std::mt19937 random_;
  std::vector<std::string> free_;
  std::string bonds_;
  std::string bridges_;
  std::string vlans_;
  std::string interfaces_;
};

// Chains that are jumped to and are not there, without which nft takes nothing of a ruleset.
std::string lost_jumps(const std::string& ruleset) {
  std::string lost;
  constexpr std::string_view word = "goto ";
  for (auto at = ruleset.find(word); at != ruleset.npos; at = ruleset.find(word, at + 1)) {
    const auto begin = at + word.size();
    const auto name = ruleset.substr(begin, ruleset.find_first_of(" ,\n", begin) - begin);
    if (!ruleset.contains(std::format("\tchain {} {{\n", name))) lost += name + " ";
  }
  return lost;
}

TEST(Property, AnyValidNetwork) {
  int valid = 0;
  for (unsigned seed = 0; seed < 2000; ++seed) {
    const auto text = Author(seed).write();
    const auto config = model::parse_config(text, "author");
    if (!config) continue;
    ++valid;
    const auto again = model::parse_config(model::format_config(*config), "again");
    ASSERT_TRUE(again) << text << again.error().text();
    ASSERT_EQ(*config, *again) << text;
    auto pinned = *config;
    pinned.network = pinned_network(config->network, {});
    const auto& network = pinned.network;
    const auto files = render_network(network);
    std::map<std::string, std::string> written;
    for (const auto& file : files) written[file.path] = file.content;
    ASSERT_EQ(written.size(), files.size()) << "two files of one name\n" << text;
    ASSERT_TRUE(plan::plan_node(files, written).empty()) << text;
    ASSERT_TRUE(interruptions(*config, *config).empty()) << text;
    ASSERT_EQ(lost_jumps(render_firewall(pinned).content), "") << text;
    for (const auto& finding : diagnose(network, LinkTable{}, {}))
      ASSERT_TRUE(finding.bad || finding.text.ends_with("nothing uses it")) << finding.text;
  }
  EXPECT_GT(valid, 1500) << "most of what the author writes is meant to be valid";
}

}  // namespace
}  // namespace loam::netcfg
