#include "cluster/invitation.hpp"

#include <gtest/gtest.h>

#include <string>

namespace loam::cluster {
namespace {

Invitation worker() {
  return {.cluster = "rack",
          .role = model::NodeRole::worker,
          .endpoint = "192.0.2.5:6443",
          .pin = "sha256:" + std::string(64, 'a'),
          .token = "abcdef.0123456789abcdef",
          .certificate_key = "",
          .encryption_key = "",
          .until = 1'800'000'000};
}

TEST(Invitation, ComesBackAsItWas) {
  auto one = worker();
  EXPECT_EQ(parse_join_string(to_join_string(one)), one);
  EXPECT_EQ(parse_join_string(to_join_string(one) + "\n"), one) << "as a terminal pastes it";
  one.role = model::NodeRole::control_plane;
  one.certificate_key = std::string(64, 'b');
  one.encryption_key = std::string(43, 'c') + "=";
  EXPECT_EQ(parse_join_string(to_join_string(one)), one);
}

TEST(Invitation, AnySlipIsTold) {
  const auto good = to_join_string(worker());
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto typed = good;
    typed[i] = typed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(parse_join_string(typed)) << i;
    EXPECT_FALSE(parse_join_string(good.substr(0, i))) << i;
  }
  const auto said = parse_join_string("kubeadm join 192.0.2.5:6443");
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().text(),
            "the join string: is none: it begins with \"loam1.\"; loamctl cluster join-string on a control plane makes "
            "another");
}

TEST(Invitation, AWorkerGetsNoKeysOfTheControlPlane) {
  auto one = worker();
  one.certificate_key = std::string(64, 'b');
  EXPECT_EQ(parse_join_string(to_join_string(one)), worker());
}

// What is in it goes into files and command lines.
TEST(Invitation, TakesNothingThatIsNotWhatItShouldBe) {
  for (const auto& change :
       {+[](Invitation& one) { one.endpoint = "192.0.2.5:6443; reboot"; },
        +[](Invitation& one) { one.pin = "sha256:"; }, +[](Invitation& one) { one.token = "ABCDEF.0123456789abcdef"; },
        +[](Invitation& one) { one.cluster = "--help"; },
        +[](Invitation& one) { one.role = model::NodeRole::control_plane; }}) {
    auto one = worker();
    change(one);
    EXPECT_FALSE(parse_join_string(to_join_string(one))) << one.endpoint;
  }
}

TEST(Invitation, TokensAreAsKubeadmHasThem) {
  const auto token = bootstrap_token(std::string(22, '\xff'));
  EXPECT_EQ(token, "555555.5555555555555555");
}

}  // namespace
}  // namespace loam::cluster
