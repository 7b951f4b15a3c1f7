#include "netcfg/verdict.hpp"

#include <gtest/gtest.h>

namespace loam::netcfg {
namespace {

ProbeResult result(ProbeKind kind, bool good, std::string text) {
  const bool needed = kind == ProbeKind::duplicate || kind == ProbeKind::gateway;
  return {{kind, "bond0", "", 0, needed}, good, std::move(text)};
}

const Finding no_carrier{true, "nic0", "nic0: no carrier"};
const ProbeResult no_gateway = result(ProbeKind::gateway, false, "gateway does not answer");
const ProbeResult taken = result(ProbeKind::duplicate, false, "another host has it");
const ProbeResult no_dns = result(ProbeKind::dns, false, "DNS server does not answer");

TEST(Verdict, GoodIsSaidPlainly) {
  EXPECT_EQ(verdict({}, {result(ProbeKind::gateway, true, "answers")}),
            (Verdict{true, false, "Working", "links, addresses and gateways are good"}));
}

TEST(Verdict, AWarningSaysThatTheRestIsGood) {
  EXPECT_EQ(verdict({}, {no_dns}), (Verdict{true, true, "WorkingWithWarnings",
                                            "links, addresses and gateways are good, but DNS server does not answer"}));
}

TEST(Verdict, ABrokenLinkIsTheReasonOfASilentGateway) {
  const auto found = verdict({no_carrier}, {no_gateway, no_dns});
  EXPECT_FALSE(found.works);
  EXPECT_EQ(found.reason, "LinkProblem");
  EXPECT_EQ(found.message, "nic0: no carrier (and 1 more: loamctl links)");
}

TEST(Verdict, ATakenAddressIsTheReasonOfTheLinksTrouble) {
  EXPECT_EQ(verdict({no_carrier}, {no_gateway, taken}).message, "another host has it (and 2 more: loamctl links)");
  EXPECT_EQ(verdict({}, {no_gateway, taken}).reason, "ProbeFailed");
}

}  // namespace
}  // namespace loam::netcfg
