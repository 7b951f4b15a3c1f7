#include "cluster/invite.hpp"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include <array>
#include <format>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>

#include "base/file.hpp"
#include "base/prefix.hpp"
#include "base/text.hpp"
#include "cluster/random_bytes.hpp"
#include "sys/subprocess.hpp"

namespace loam::cluster {

using nlohmann::json;

namespace {

constexpr const char* certificate_path = "/etc/kubernetes/pki/ca.crt";
constexpr const char* upload_config = "/run/loam/kubeadm-upload.yaml";
constexpr std::chrono::minutes limit{5};

Result<std::string> encryption_key() {
  LOAM_TRY(const auto text, read_file(encryption_path, 1U << 16U));
  const auto value = json::parse(text, nullptr, false);
  try {
    return value.at("resources")
        .at(0)
        .at("providers")
        .at(0)
        .at("secretbox")
        .at("keys")
        .at(0)
        .at("secret")
        .get<std::string>();
  } catch (const json::exception& problem) {
    return fail(std::format("{} cannot be read: {}", encryption_path, problem.what()));
  }
}

// Certificates of the control plane, encrypted, for two hours.
Result<void> upload_certificates(const model::Cluster& cluster, const NodeFacts& node, const Carried& carried,
                                 const std::string& key) {
  LOAM_CHECK(write_file_atomic(upload_config, founding_config(cluster, node, carried.payload, key), 0600));
  auto done = sys::run({"kubeadm", "init", "phase", "upload-certs", "--upload-certs", "--config", upload_config,
                        "--skip-certificate-key-print"},
                       {.timeout = limit, .input = {}, .environment = {}});
  std::error_code none;
  std::filesystem::remove(upload_config, none);
  if (!done) return std::unexpected(std::move(done).error());
  return {};
}

std::string host_and_port(std::string address) {
  address = without_prefix(address);
  return std::format("{}:{}", address.contains(':') ? "[" + address + "]" : address, api_port);
}

}  // namespace

Result<std::string> pin_of(std::string_view certificate) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bytes(
      BIO_new_mem_buf(certificate.data(), static_cast<int>(certificate.size())), BIO_free);
  const std::unique_ptr<X509, decltype(&X509_free)> read(PEM_read_bio_X509(bytes.get(), nullptr, nullptr, nullptr),
                                                         X509_free);
  if (!read) return fail("the cluster's CA certificate cannot be read");
  unsigned char* der = nullptr;
  const auto length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(read.get()), &der);
  if (length <= 0) return fail("the cluster's CA certificate has no public key");
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(der, static_cast<std::size_t>(length), digest.data());
  OPENSSL_free(der);
  return "sha256:" + to_hex(std::as_bytes(std::span(digest)));
}

std::string token_secret(std::string_view token, std::int64_t until) {
  const auto id = token.substr(0, token.find('.'));
  const std::chrono::sys_seconds end{std::chrono::seconds(until)};
  return json{{"apiVersion", "v1"},
              {"kind", "Secret"},
              {"metadata", {{"name", std::format("bootstrap-token-{}", id)}, {"namespace", "kube-system"}}},
              {"type", "bootstrap.kubernetes.io/token"},
              {"stringData",
               {{"token-id", id},
                {"token-secret", token.substr(token.find('.') + 1)},
                {"expiration", std::format("{:%FT%TZ}", end)},
                {"usage-bootstrap-authentication", "true"},
                {"usage-bootstrap-signing", "true"},
                {"auth-extra-groups", "system:bootstrappers:kubeadm:default-node-token"}}}}
      .dump();
}

Result<Invitation> invite(const model::Config& config, const NodeFacts& node, const Carried& carried,
                          model::NodeRole role, std::chrono::minutes valid, std::int64_t now) {
  if (!config.cluster) return fail("this node is in no cluster", "loam.yaml has no cluster:");
  const auto& cluster = *config.cluster;
  auto certificate = read_file(certificate_path, 1U << 16U);
  if (!certificate || !std::filesystem::exists(admin_path))
    return fail("this node is none of the control plane, so it can invite nobody",
                "ask a node of the control plane; kubectl get nodes shows them");
  Invitation made{.cluster = cluster.name.str(),
                  .role = role,
                  .endpoint = host_and_port(cluster.vip ? cluster.vip->str() : node.address),
                  .pin = {},
                  .token = {},
                  .certificate_key = {},
                  .encryption_key = {},
                  .until = now + std::chrono::seconds(valid).count()};
  LOAM_TRY(made.pin, pin_of(*certificate));
  LOAM_TRY(const auto for_token, random_bytes(22));
  made.token = bootstrap_token(for_token);
  if (role != model::NodeRole::worker) {
    LOAM_TRY(const auto key, random_bytes(32));
    made.certificate_key = to_hex(std::as_bytes(std::span(key)));
    LOAM_TRY(made.encryption_key, encryption_key());
    LOAM_CHECK(upload_certificates(cluster, node, carried, made.certificate_key));
  }
  LOAM_CHECK(sys::run({"kubectl", "--kubeconfig", admin_path, "--request-timeout=60s", "create", "-f", "-"},
                      {.timeout = limit, .input = token_secret(made.token, made.until), .environment = {}}));
  return made;
}

}  // namespace loam::cluster
