#include "cluster/join_check.hpp"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

namespace loam::cluster {
namespace {

using nlohmann::json;

constexpr std::int64_t now = 1'800'000'000;

Invitation invitation() {
  return {.cluster = "rack",
          .role = model::NodeRole::worker,
          .endpoint = "192.0.2.5:6443",
          .pin = "sha256:16324450a5a7de2fe7e9020cb8a5c4f0a9854de7fe00b71aaf96db8ab52b8d5c",
          .token = "abcdef.0123456789abcdef",
          .certificate_key = "",
          .encryption_key = "",
          .until = now + 60};
}

// The certificate of invite_test.cpp, as kubeadm puts it into cluster-info.
const std::string authority =
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJnakNDQVNlZ0F3SUJBZ0lVT0QzaE8wTWRCWldwNmxtem5OYksxT0ErVENV"
    "d0NnWUlLb1pJemowRUF3SXcKRlRFVE1CRUdBMVVFQXd3S2EzVmlaWEp1WlhSbGN6QWdGdzB5TmpFeE1qY3dNREE0TlRsYUdBOHlN"
    "VEkyTVRFdwpNekF3TURnMU9Wb3dGVEVUTUJFR0ExVUVBd3dLYTNWaVpYSnVaWFJsY3pCWk1CTUdCeXFHU000OUFnRUdDQ3FHClNN"
    "NDlBd0VIQTBJQUJGNGFPaVRLbHUySzkyeUJxZUtNSXN5ajFQc2NqbVhLQkFJUUIyN2VDWm1rK1lvUlJxVzIKZXlSSjVBZ1RIbEkv"
    "VjF3dTQreStnZ2xFempETDdYUVAxYW1qVXpCUk1CMEdBMVVkRGdRV0JCVDRhVm8vakpKaApKc2lGUTNQaTVRc21WNGR0Z0RBZkJn"
    "TlZIU01FR0RBV2dCVDRhVm8vakpKaEpzaUZRM1BpNVFzbVY0ZHRnREFQCkJnTlZIUk1CQWY4RUJUQURBUUgvTUFvR0NDcUdTTTQ5"
    "QkFNQ0Ewa0FNRVlDSVFDbThhNFVkcGlIMTJLdFhvMksKMmRDQzRQdmUvQlljQVFrYW9GVmZiMERpb0FJaEFLaWd2S0pGRzZDTWxy"
    "VmNLUDdXQUVPSWd6ZnZOZklBamZUbQp1eEgwdzQ3bQotLS0tLUVORCBDRVJUSUZJQ0FURS0tLS0tCg==";
const std::string kubeconfig = "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: " + authority +
                               "\n    server: https://rack.loam:6443\n  name: \"\"\ncontexts: null\n";
// By Python's hmac and base64.
const std::string signature = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImFiY2RlZiJ9..wt4bV2TWpduB49wWlxWIEkNouHvkK2_w7e6eccStsc8";

class AskedToJoin : public testing::Test {
 protected:
  Result<std::string> asked(const Invitation& with = invitation(), const std::string& kubernetes = "1.34.4") {
    const Fetch fetch = [&](const std::string& endpoint, const std::string& path,
                            const std::string& trusted) -> Result<HttpAnswer> {
      EXPECT_EQ(endpoint, with.endpoint);
      EXPECT_EQ(trusted.empty(), path != "/version") << "the second question is for the pinned CA only";
      if (!reached_) return fail("192.0.2.5:6443 does not answer: no route to host");
      return path == "/version" ? version_ : info_;
    };
    return check_join(with, kubernetes, now, fetch);
  }
  std::string refusal(const Invitation& with = invitation(), const std::string& kubernetes = "1.34.4") {
    const auto said = asked(with, kubernetes);
    return said ? "not refused: " + *said : said.error().text();
  }
  void say(const std::map<std::string, std::string>& data) { info_.body = json{{"data", data}}.dump(); }

  bool reached_ = true;
  HttpAnswer info_{.status = 200,
                   .date = now - 2,
                   .body = json{{"data", {{"kubeconfig", kubeconfig}, {"jws-kubeconfig-abcdef", signature}}}}.dump()};
  HttpAnswer version_{.status = 200, .date = now, .body = R"({"gitVersion": "v1.34.4"})"};
};

TEST_F(AskedToJoin, TheClusterOfTheString) {
  const auto said = asked();
  ASSERT_TRUE(said) << said.error().text();
  EXPECT_TRUE(said->contains("192.0.2.5:6443 is the cluster rack, Kubernetes 1.34.4")) << *said;
}

TEST_F(AskedToJoin, EachRefusalIsASentenceOfItsOwn) {
  reached_ = false;
  EXPECT_TRUE(refusal().contains("the cluster rack is not reached")) << refusal();
  reached_ = true;

  info_.date = now + 600;
  EXPECT_TRUE(refusal().contains("clock is 10 min 0 s behind")) << refusal();
  info_.date = now - 3600;
  EXPECT_TRUE(refusal().contains("clock is 1 h 0 min ahead")) << refusal();
  info_.date = now;

  auto wrong = invitation();
  wrong.token = "abcdef.0123456789abcdeg";
  EXPECT_TRUE(refusal(wrong).contains("is not the cluster's")) << refusal(wrong);
  wrong = invitation();
  wrong.token = "bbbbbb.0123456789abcdef";
  EXPECT_TRUE(refusal(wrong).contains("does not know the token")) << refusal(wrong);
  wrong = invitation();
  wrong.pin = "sha256:" + std::string(64, 'a');
  EXPECT_TRUE(refusal(wrong).contains("has another CA")) << refusal(wrong);

  EXPECT_TRUE(refusal(invitation(), "1.36.0").contains("upgrade the cluster first")) << refusal(invitation(), "1.36.0");
  EXPECT_TRUE(refusal(invitation(), "1.33.1").contains("install the release that the cluster's nodes run"));
  EXPECT_TRUE(asked(invitation(), "1.35.0"));
  EXPECT_TRUE(asked(invitation(), "")) << "a medium that carries none";

  info_.status = 404;
  EXPECT_TRUE(refusal().contains("answers 404")) << refusal();
}

// Whoever answers in the cluster's place has not got the token.
TEST_F(AskedToJoin, WhatIsNotSignedIsNotBelieved) {
  for (const auto& other : {std::string("."), std::string(".."), signature + "A", std::string("eyJhbGciOiJub25lIn0.."),
                            "eyJhbGciOjN9.." + signature.substr(signature.find("..") + 2),
                            "eyJhbGciOiJub25lIn0.." + signature.substr(signature.find("..") + 2)}) {
    say({{"kubeconfig", kubeconfig}, {"jws-kubeconfig-abcdef", other}});
    EXPECT_TRUE(refusal().contains("is not the cluster's")) << other;
  }
  say({{"kubeconfig", kubeconfig + "#"}, {"jws-kubeconfig-abcdef", signature}});
  EXPECT_TRUE(refusal().contains("is not the cluster's"));
  for (const auto* const body : {"", "[]", "{}", R"({"data": 3})", R"({"data": {}})", R"({"data": {"kubeconfig": 3}})",
                                 R"({"data": {"kubeconfig": "a", "jws-kubeconfig-abcdef": []}})"}) {
    info_.body = body;
    EXPECT_FALSE(asked()) << body;
  }
}

TEST_F(AskedToJoin, AVersionThatIsNoText) {
  for (const auto* const body : {"", "[]", R"({"gitVersion": 1.34})"}) {
    version_.body = body;
    EXPECT_TRUE(refusal().contains("does not say which Kubernetes it runs")) << body;
  }
}

TEST(HttpFetch, StatusDateAndBody) {
  const auto answer =
      parse_http_answer("HTTP/1.1 200 OK\r\nDate: Fri, 27 Nov 2026 04:31:21 GMT\r\nX: y\r\n\r\n{\"a\": 1}");
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->date, 1795753881);
  EXPECT_EQ(answer->body, "{\"a\": 1}");
  for (const auto* const bad : {"", "HTTP/1.1 200 OK\r\n", "<html>\r\n\r\n"})
    EXPECT_FALSE(parse_http_answer(bad)) << bad;
  EXPECT_EQ(parse_http_answer("HTTP/1.1 200\r\nDate: yesterday\r\n\r\n")->date, 0);
}

}  // namespace
}  // namespace loam::cluster
