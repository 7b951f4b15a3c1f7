#include "cluster/join_check.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <format>
#include <nlohmann/json.hpp>

#include "base/base64.hpp"
#include "base/text.hpp"
#include "cluster/invite.hpp"

namespace loam::cluster {

using nlohmann::json;

namespace {

constexpr const char* info_path = "/api/v1/namespaces/kube-public/configmaps/cluster-info";
constexpr const char* another = "loamctl cluster join-string on a node of its control plane makes another";
// Certificates count from a little before they are made; kubeadm allows five minutes.
constexpr std::int64_t clocks_apart = 300;

// Whoever answers may say anything: what is no text is as good as nothing.
std::string text_at(const json& object, const std::string& key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string hmac_sha256(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), digest.data(), &length);
  return {reinterpret_cast<const char*>(digest.data()), length};
}

// RFC 7515, detached: "HEADER..SIGNATURE".
bool is_signed(std::string_view signature, std::string_view payload, std::string_view secret) {
  const auto dots = signature.find("..");
  if (dots == std::string_view::npos) return false;
  const auto header = from_base64url(signature.substr(0, dots));
  if (!header || text_at(json::parse(*header, nullptr, false), "alg") != "HS256") return false;
  const auto text = std::format("{}.{}", signature.substr(0, dots), to_base64url(payload));
  return to_base64url(hmac_sha256(secret, text)) == signature.substr(dots + 2);
}

Result<void> check_clock(std::int64_t ours, std::int64_t theirs, const std::string& endpoint) {
  const auto apart = ours - theirs;
  if (theirs == 0 || std::abs(apart) <= clocks_apart) return {};
  return fail(
      std::format("this node's clock is {} {} that of {}", format_seconds(static_cast<std::uint64_t>(std::abs(apart))),
                  apart < 0 ? "behind" : "ahead of", endpoint),
      "set the time, or time.servers of loam.yaml; certificates do not count before their time");
}

// What kubeadm wrote for those who join: a kubeconfig without credentials.
Result<std::string> signed_kubeconfig(const Invitation& invitation, const HttpAnswer& answer) {
  const auto& endpoint = invitation.endpoint;
  if (answer.status != 200)
    return fail(std::format("{} answers {} when it is asked for the cluster's CA: it is no cluster of kubeadm's",
                            endpoint, answer.status),
                "is the address of the join string still the cluster's?");
  const auto map = json::parse(answer.body, nullptr, false);
  const auto data = map.is_object() && map.contains("data") ? map["data"] : json();
  auto config = text_at(data, "kubeconfig");
  const auto id = invitation.token.substr(0, invitation.token.find('.'));
  const auto signature = text_at(data, "jws-kubeconfig-" + id);
  if (config.empty())
    return fail(std::format("{} does not say which CA the cluster has", endpoint), "is it a cluster?");
  if (signature.empty())
    return fail("the cluster does not know the token of the join string: it was used, or its time is over", another);
  if (!is_signed(signature, config, std::string_view(invitation.token).substr(id.size() + 1)))
    return fail("the token of the join string is not the cluster's", another);
  return config;
}

Result<std::string> authority_in(const std::string& kubeconfig) {
  constexpr std::string_view mark = "certificate-authority-data:";
  const auto at = kubeconfig.find(mark);
  if (at == std::string::npos) return fail("the cluster says no CA");
  const auto line = std::string_view(kubeconfig).substr(at + mark.size());
  const auto text = trim(line.substr(0, line.find('\n')));
  auto pem = from_base64(text);
  if (!pem) return std::unexpected(std::move(pem).error().context("the cluster's CA"));
  return pem;
}

Result<std::string> pinned_authority(const Invitation& invitation, const std::string& kubeconfig) {
  LOAM_TRY(auto authority, authority_in(kubeconfig));
  LOAM_TRY(const auto pin, pin_of(authority));
  if (pin == invitation.pin) return authority;
  return fail(std::format("the cluster at {} has another CA: {}, and the join string says {}", invitation.endpoint, pin,
                          invitation.pin),
              std::format("it was founded anew, or somebody else answers there; {}", another));
}

struct Version {
  unsigned long major = 0;
  unsigned long minor = 0;
};

Version version_of(std::string_view text) {
  if (text.starts_with('v')) text.remove_prefix(1);
  const auto dot = text.find('.');
  return {leading_number(text), dot == std::string_view::npos ? 0 : leading_number(text.substr(dot + 1))};
}

// kubeadm joins a cluster of its own minor version and of the one before.
Result<void> check_skew(const std::string& ours, const std::string& theirs) {
  if (ours.empty()) return {};
  const auto own = version_of(ours);
  const auto other = version_of(theirs);
  const bool fits = own.major == other.major && (own.minor == other.minor || own.minor == other.minor + 1);
  if (fits) return {};
  const bool newer = own.minor > other.minor;
  return fail(std::format("this release carries Kubernetes {}, and the cluster runs {}", ours, theirs),
              newer ? "upgrade the cluster first, or install an older release here"
                    : "install the release that the cluster's nodes run");
}

}  // namespace

Result<std::string> check_join(const Invitation& invitation, const std::string& kubernetes, std::int64_t now,
                               const Fetch& fetch) {
  const auto& endpoint = invitation.endpoint;
  auto info = fetch(endpoint, info_path, "");
  if (!info)
    return std::unexpected(
        std::move(info).error().context(std::format("the cluster {} is not reached", invitation.cluster)));
  LOAM_CHECK(check_clock(now, info->date, endpoint));
  LOAM_TRY(const auto kubeconfig, signed_kubeconfig(invitation, *info));
  LOAM_TRY(const auto authority, pinned_authority(invitation, kubeconfig));
  LOAM_TRY(const auto version, fetch(endpoint, "/version", authority));
  auto running = text_at(json::parse(version.body, nullptr, false), "gitVersion");
  if (running.starts_with('v')) running.erase(0, 1);
  if (running.empty()) return fail(std::format("{} does not say which Kubernetes it runs", endpoint));
  LOAM_CHECK(check_skew(kubernetes, running));
  return std::format("{} is the cluster {}, Kubernetes {}; its CA is the one of the join string, and the token counts",
                     endpoint, invitation.cluster, printable(running, 40));
}

}  // namespace loam::cluster
