#include "cluster/kube_error.hpp"

#include <gtest/gtest.h>

namespace loam::cluster {
namespace {

constexpr std::string_view request = "GET https://api.rack:6443/api/v1/nodes/x";

TEST(KubeError, NamesRequestStatusReasonAndMessage) {
  const auto error =
      error_of_answer(request, 404, R"({"kind": "Status", "reason": "NotFound", "message": "nodes \"x\" not found"})");
  EXPECT_EQ(error.fault, Fault::not_found);
  EXPECT_EQ(error.status, 404);
  EXPECT_EQ(error.reason, "NotFound");
  EXPECT_EQ(error.text(), "GET https://api.rack:6443/api/v1/nodes/x: 404 NotFound: nodes \"x\" not found");
}

TEST(KubeError, TellsApartWhatCallersActOn) {
  EXPECT_EQ(fault_of_status(401), Fault::unauthorized);
  EXPECT_EQ(fault_of_status(403), Fault::forbidden);
  EXPECT_EQ(fault_of_status(409), Fault::conflict);
  EXPECT_EQ(fault_of_status(410), Fault::gone);
  EXPECT_EQ(fault_of_status(422), Fault::invalid);
  EXPECT_EQ(fault_of_status(429), Fault::throttled);
  EXPECT_EQ(fault_of_status(503), Fault::server);
  EXPECT_EQ(fault_of_status(302), Fault::other);
}

// Asking again would not help, as it may with other errors of 500.
TEST(KubeError, KnowsAWrongObjectByItsWords) {
  const auto error = error_of_answer(
      request, 500,
      R"({"kind": "Status", "message": "failed to create typed patch object (a/b; /v1, Kind=C): .x: not declared"})");
  EXPECT_EQ(error.fault, Fault::invalid);
  EXPECT_EQ(error.error.remedy(), "");
}

TEST(KubeError, TakesWhateverComes) {
  EXPECT_EQ(error_of_answer(request, 503, "\x1b[31mno\n").text().find('\x1b'), std::string::npos);
  EXPECT_TRUE(error_of_answer(request, 500, "").text().contains(": 500"));
  EXPECT_TRUE(error_of_answer(request, 500, R"({"kind": 1, "message": 2})").text().contains(": 500"));
  EXPECT_LT(error_of_answer(request, 500, std::string(100'000, 'x')).text().size(), 3000U);
}

TEST(KubeError, KeepsSecretsToItself) {
  const auto error = error_of_answer(request, 422, R"({"kind": "Status", "message": "bad: hunter2"})", true);
  EXPECT_FALSE(error.text().contains("hunter2"));
}

TEST(KubeError, GoesWhereOnlyWordsAreWanted) {
  const auto outer = []() -> Result<int> {
    LOAM_TRY(const auto value, Answer<int>(std::unexpected(error_of_answer(request, 401, ""))));
    return value;
  };
  const auto failed = outer();
  ASSERT_FALSE(failed);
  EXPECT_TRUE(failed.error().remedy().contains("client certificate"));
}

}  // namespace
}  // namespace loam::cluster
