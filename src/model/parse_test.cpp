#include "model/parse.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace loam::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string only_problem(std::string_view text) {
  const auto report = parse_config_report(text, "loam.yaml");
  return report.problems.size() == 1 ? report.problems.front() : std::to_string(report.problems.size()) + " problems";
}

TEST(Parse, ExampleIsValid) {
  const auto config = parse_config(example_config(), "example");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->hostname->str(), "node-1");
  EXPECT_EQ(config->network.bonds.at(0).mode, BondMode::lacp);
  EXPECT_EQ(config->install->disk.min_size->bytes, 100ULL << 30U);
}

TEST(Parse, FormattedTextParsesToTheSame) {
  const auto config = parse_config(example_config(), "example");
  ASSERT_TRUE(config);
  const auto again = parse_config(format_config(*config), "formatted");
  ASSERT_TRUE(again) << again.error().text() << format_config(*config);
  EXPECT_EQ(*config, *again);
}

TEST(Parse, DefaultsAreLeftOut) { EXPECT_EQ(format_config(*parse_config("version: 1", "x")), "version: 1\n"); }

TEST(Parse, Firewall) {
  const std::string text =
      "version: 1\nnetwork: {firewall: {networks: [198.51.100.0/24], allow: [{port: 9000, from: 10.0.0.0/8, roles: "
      "[vm]}, {port: 53, protocol: udp}]}}\n";
  const auto config = parse_config(text, "firewall");
  ASSERT_TRUE(config) << config.error().text();
  const auto& firewall = config->network.firewall;
  EXPECT_TRUE(firewall.enabled);
  EXPECT_EQ(firewall.allow.at(0).port.str(), "9000");
  EXPECT_EQ(firewall.allow.at(0).roles, std::vector{Role::vm});
  EXPECT_EQ(firewall.allow.at(1).protocol, Protocol::udp);
  EXPECT_EQ(parse_config(format_config(*config), "again").value(), *config);
}

struct Bad {
  const char* text;
  const char* problem;
};

class BadInput : public ::testing::TestWithParam<Bad> {};

TEST_P(BadInput, SaysWhereAndWhat) { EXPECT_EQ(only_problem(GetParam().text), GetParam().problem); }

INSTANTIATE_TEST_SUITE_P(
    Parse, BadInput,
    ::testing::Values(
        Bad{"version: 1\nhostnme: a\n", "loam.yaml:2:1: unknown key \"hostnme\"; did you mean \"hostname\"?"},
        Bad{"version: 1\nhostname: [a]\n", "loam.yaml:2:11: hostname: expected a single value, found a list"},
        Bad{"version: 1\nhostname: a\nhostname: b\n",
            "loam.yaml:3:1: duplicate key \"hostname\"; it stands in line 2 already"},
        Bad{"version: 1\nnetwork:\n\tbonds: []\n", "loam.yaml:3:1: a tab in the indentation; indent with spaces"},
        Bad{"", "loam.yaml:1:1: the file is empty; loamctl config example prints one to start from"},
        Bad{" \n\n", "loam.yaml:1:1: the file is empty; loamctl config example prints one to start from"},
        Bad{"version: 1\nx: \x01\n",
            "loam.yaml:2:4: holds the byte 0x01, so this is no text file; is this the right file?"},
        Bad{"version: 1\n\u00e4: \xc3\xa4\xa0\n",
            "loam.yaml:2:5: holds the byte 0xa0, so this is no UTF-8 text file; is this the right file?"},
        Bad{"version: 2\n", "loam.yaml:1:10: version: expected a whole number from 1 to 1, found \"2\""},
        Bad{"version: \"1\"\n", "loam.yaml:1:10: version: expected a whole number from 1 to 1, found \"1\""},
        Bad{"hostname: a\n", "loam.yaml:1:1: \"version\" is missing: version of this document"},
        Bad{"version: 1\nhostname: A_b\n",
            "loam.yaml:2:11: hostname: expected a lower-case host name such as node-1, found \"A_b\""},
        Bad{"version: 1\nhostname:\n", "loam.yaml:2:1: hostname: has no value; give one or remove the key"},
        Bad{"- a\n", "loam.yaml:1:1: expected a mapping, found a list"},
        Bad{"version: 1\naccess: &a {}\n", "loam.yaml:2:9: anchors (&name) are not allowed; write the value out"},
        Bad{"version: 1\n---\nversion: 1\n", "loam.yaml:2:1: a second document starts here; one is expected"},
        Bad{"version: 1\ninstall: {disk: {bus: nvem}}\n",
            "loam.yaml:2:23: install.disk.bus: expected one of nvme, sata, sas, scsi, virtio, usb, found \"nvem\"; did "
            "you mean "
            "\"nvme\"?"},
        Bad{"version: 1\ninstall: {disk: {min_size: 4Q}}\n",
            "loam.yaml:2:28: install.disk.min_size: expected a size such as 4K, 100G, 1.5T or 500GB, found \"4Q\""},
        Bad{"version: 1\ninstall: {}\n",
            "loam.yaml:2:10: install: \"disk\" is missing: the disk of the operating system; exactly one must match"},
        Bad{"version: 1\ninstall: {disk: {}}\n",
            "loam.yaml:2:11: install.disk: says nothing about the disk; name its id, serial, model, bus or size"},
        Bad{"version: 1\ninstall: {disk: {id: sda}}\n",
            "loam.yaml:2:22: install.disk.id: \"sda\" is a kernel name, which can be another disk after the next boot; "
            "give the id "
            "that loamctl disks shows"},
        Bad{"version: 1\naccess: {console_password_hash: hunter2}\n",
            "loam.yaml:2:33: access.console_password_hash: expected a crypt(5) hash such as $y$j9T$..., found "
            "something else; "
            "mkpasswd -m yescrypt makes one"},
        Bad{"version: 1\nnetwork: {bonds: [{name: bond0, members: [eth0]}]}\n",
            "loam.yaml:2:43: network.bonds[0].members[0]: there is no NIC, bond, VLAN or bridge \"eth0\" in this file"},
        Bad{"version: 1\nnetwork: {interfaces: [{link: x, addresses: [10.0.0.1/33]}]}\n",
            "loam.yaml:2:46: network.interfaces[0].addresses[0]: expected an address with prefix length such as "
            "192.0.2.10/24, found "
            "\"10.0.0.1/33\""},
        Bad{"version: 1\ninstall: {disk: {bus: nvme}, encryption: tpm2}\n",
            "loam.yaml:2:30: install.encryption: only \"none\" can be installed by this release"},
        Bad{"version: 1\nupdate: {url: ftp://x}\n",
            "loam.yaml:2:15: update.url: expected a URL such as https://loam.example/releases, found \"ftp://x\""}));

TEST(Parse, AllProblemsAtOnce) {
  const auto report = parse_config_report("version: 1\nfoo: 1\nhostname: A\n", "f");
  EXPECT_THAT(report.problems, ElementsAre(HasSubstr("f:3:11: hostname"), HasSubstr("f:2:1: unknown key \"foo\"")));
}

TEST(Parse, TooLarge) {
  EXPECT_THAT(only_problem(std::string(10U << 20U, '#')), HasSubstr("has 10485760 bytes, 1048576 are allowed"));
}

TEST(Parse, DeepNestingEnds) {
  EXPECT_THAT(only_problem("version: 1\nnetwork: " + std::string(5000, '[')), HasSubstr("nested too deeply"));
}

TEST(Schema, KnowsEveryTopLevelKeyAndForbidsOthers) {
  const auto schema = nlohmann::json::parse(json_schema());
  EXPECT_EQ(schema.at("additionalProperties"), false);
  for (const auto* const key :
       {"version", "hostname", "install", "access", "network", "storage", "cluster", "update", "time", "proxy"})
    EXPECT_TRUE(schema.at("properties").contains(key)) << key;
  EXPECT_EQ(schema.at("properties")
                .at("network")
                .at("properties")
                .at("bonds")
                .at("items")
                .at("properties")
                .at("mode")
                .at("enum")
                .at(0),
            "802.3ad");
}

}  // namespace
}  // namespace loam::model
