#include "model/section.hpp"

#include <gtest/gtest.h>

#include "model/parse.hpp"

namespace loam::model {
namespace {

Config changed(const std::string& text) {
  auto config = *parse_config(text, "test");
  config.network.interfaces.at(0).addresses = {*IpPrefix::parse("192.0.2.99/24")};
  return config;
}

const std::string commented =
    "# the node in rack 3\nversion: 1\nhostname: node-1  # as on its label\nnetwork:\n  # by hand\n  interfaces:\n"
    "    - link: nic0\n      addresses: [192.0.2.1/24]\n  nics: [{name: nic0, match: {mac: \"52:54:00:12:34:56\"}}]\n\n"
    "# times\ntime: {zone: Europe/Berlin}\n";

TEST(Section, TheRestStaysAsItWasWritten) {
  const auto config = changed(commented);
  const auto text = with_network(commented, config);
  EXPECT_EQ(*parse_config(text, "test"), config);
  EXPECT_TRUE(text.starts_with("# the node in rack 3\nversion: 1\nhostname: node-1  # as on its label\nnetwork:\n"))
      << text;
  EXPECT_TRUE(text.ends_with("# times\ntime: {zone: Europe/Berlin}\n")) << text;
  EXPECT_FALSE(text.contains("by hand") || text.contains("192.0.2.1/")) << text;
}

TEST(Section, WhatWasCommentedOutInsideIsOfTheSection) {
  const std::string text =
      "version: 1\n# the network\nnetwork:\n  interfaces:\n#    - link: nic7\n\n    - link: nic0\n      addresses: "
      "[192.0.2.1/24]\n  nics: [{name: nic0, match: {mac: \"52:54:00:12:34:56\"}}]\n# ours\nhostname: a  # b\n";
  const auto made = with_network(text, changed(text));
  EXPECT_TRUE(made.starts_with("version: 1\n# the network\nnetwork:\n")) << made;
  EXPECT_TRUE(made.ends_with("# ours\nhostname: a  # b\n")) << made;
  EXPECT_FALSE(made.contains("nic7")) << made;
}

TEST(Section, OneThatWasNotThereComesToTheEnd) {
  auto config = *parse_config("version: 1\nhostname: a # b\n", "test");
  config.network = changed(commented).network;
  const auto text = with_network("version: 1\nhostname: a # b\n", config);
  EXPECT_TRUE(text.starts_with("version: 1\nhostname: a # b\nnetwork:\n")) << text;
  EXPECT_EQ(*parse_config(text, "test"), config);
}

TEST(Section, ADocumentInOneLineIsWrittenAnew) {
  const std::string text =
      "{version: 1, network: {nics: [{name: nic0, match: {mac: \"52:54:00:12:34:56\"}}], interfaces: [{link: nic0, "
      "addresses: [192.0.2.1/24]}]}}";
  const auto config = changed(text);
  EXPECT_EQ(*parse_config(with_network(text, config), "test"), config);
}

TEST(Section, WithoutANetworkTheSectionGoes) {
  auto config = *parse_config(commented, "test");
  config.network = {};
  const auto text = with_network(commented, config);
  EXPECT_FALSE(text.contains("network:")) << text;
  EXPECT_EQ(*parse_config(text, "test"), config);
}

}  // namespace
}  // namespace loam::model
