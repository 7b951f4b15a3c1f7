#include "cluster/invite.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace loam::cluster {
namespace {

// Of a certificate that openssl made; openssl x509 -pubkey | openssl pkey -pubin -outform der | sha256sum says the
// same.
constexpr const char* certificate = R"(-----BEGIN CERTIFICATE-----
MIIBgjCCASegAwIBAgIUOD3hO0MdBZWp6lmznNbK1OA+TCUwCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKa3ViZXJuZXRlczAgFw0yNjExMjcwMDA4NTlaGA8yMTI2MTEw
MzAwMDg1OVowFTETMBEGA1UEAwwKa3ViZXJuZXRlczBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABF4aOiTKlu2K92yBqeKMIsyj1PscjmXKBAIQB27eCZmk+YoRRqW2
eyRJ5AgTHlI/V1wu4+y+gglEzjDL7XQP1amjUzBRMB0GA1UdDgQWBBT4aVo/jJJh
JsiFQ3Pi5QsmV4dtgDAfBgNVHSMEGDAWgBT4aVo/jJJhJsiFQ3Pi5QsmV4dtgDAP
BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQCm8a4UdpiH12KtXo2K
2dCC4Pve/BYcAQkaoFVfb0DioAIhAKigvKJFG6CMlrVcKP7WAEOIgzfvNfIAjfTm
uxH0w47m
-----END CERTIFICATE-----
)";

TEST(Invite, PinsThePublicKeyAsKubeadmDoes) {
  const auto pin = pin_of(certificate);
  ASSERT_TRUE(pin) << pin.error().text();
  EXPECT_EQ(*pin, "sha256:16324450a5a7de2fe7e9020cb8a5c4f0a9854de7fe00b71aaf96db8ab52b8d5c");
  EXPECT_FALSE(pin_of("-----BEGIN CERTIFICATE-----\n"));
  EXPECT_FALSE(pin_of(""));
}

TEST(Invite, ATokenEnds) {
  const auto secret = nlohmann::json::parse(token_secret("abcdef.0123456789abcdef", 1'800'000'000));
  EXPECT_EQ(secret["metadata"]["name"], "bootstrap-token-abcdef");
  EXPECT_EQ(secret["stringData"]["token-secret"], "0123456789abcdef");
  EXPECT_EQ(secret["stringData"]["expiration"], "2027-01-15T08:00:00Z");
}

}  // namespace
}  // namespace loam::cluster
