#include "cluster/invitation.hpp"

#include <algorithm>
#include <array>
#include <format>
#include <nlohmann/json.hpp>
#include <regex>

#include "base/base64.hpp"
#include "base/text.hpp"
#include "model/describe.hpp"

namespace loam::cluster {

using nlohmann::json;

namespace {

constexpr std::string_view mark = "loam1.";
constexpr std::size_t longest = 4096;

// FNV-1a: against slips of people, not against attackers.
std::string checksum(std::string_view text) {
  std::uint32_t sum = 2166136261U;
  for (const auto c : text) sum = (sum ^ static_cast<unsigned char>(c)) * 16777619U;
  return std::format("{:08x}", sum);
}

constexpr std::array<std::string_view, 3> roles = {"control-plane", "worker", "witness"};

bool all_match(const Invitation& one) {
  const auto is = [](const std::string& text, const char* pattern) {
    return std::regex_match(text, std::regex(pattern));
  };
  const bool worker = one.role == model::NodeRole::worker;
  return model::Hostname::parse(one.cluster) &&
         is(one.endpoint, R"(([0-9.]+|\[[0-9a-f:]+\]|[a-z0-9.-]+):[0-9]{1,5})") && is(one.pin, "sha256:[0-9a-f]{64}") &&
         is(one.token, R"([a-z0-9]{6}\.[a-z0-9]{16})") && is(one.certificate_key, worker ? "" : "[0-9a-f]{64}") &&
         is(one.encryption_key, worker ? "" : "[A-Za-z0-9+/]{43}=");
}

Result<Invitation> from_json(const json& value) {
  try {
    const auto role = std::ranges::find(roles, value.at("role").get<std::string>());
    if (role == roles.end()) return fail("it names a role that this release does not know");
    return Invitation{.cluster = value.at("cluster"),
                      .role = static_cast<model::NodeRole>(role - roles.begin()),
                      .endpoint = value.at("endpoint"),
                      .pin = value.at("pin"),
                      .token = value.at("token"),
                      .certificate_key = value.value("certificate_key", ""),
                      .encryption_key = value.value("encryption_key", ""),
                      .until = value.at("until")};
  } catch (const json::exception&) {
    return fail("something is missing in it");
  }
}

std::unexpected<Error> bad(std::string why) {
  return std::unexpected(Error(std::move(why))
                             .context("the join string")
                             .remedy("loamctl cluster join-string on a control plane makes another"));
}

}  // namespace

std::string to_join_string(const Invitation& one) {
  json value = {{"cluster", one.cluster},   {"role", roles.at(static_cast<std::size_t>(one.role))},
                {"endpoint", one.endpoint}, {"pin", one.pin},
                {"token", one.token},       {"until", one.until}};
  if (one.role != model::NodeRole::worker) {
    value["certificate_key"] = one.certificate_key;
    value["encryption_key"] = one.encryption_key;
  }
  const auto text = value.dump();
  return std::format("{}{}", mark, to_base64url(checksum(text) + text));
}

Result<Invitation> parse_join_string(std::string_view given) {
  const auto text = trim(given);
  if (text.size() > longest || !text.starts_with(mark)) return bad(std::format("is none: it begins with \"{}\"", mark));
  const auto bytes = from_base64url(text.substr(mark.size()));
  if (!bytes) return bad(bytes.error().message());
  constexpr std::size_t sum_length = 8;
  if (bytes->size() < sum_length || checksum(bytes->substr(sum_length)) != bytes->substr(0, sum_length))
    return bad("is cut off or has a wrong character");
  auto invitation = from_json(json::parse(bytes->substr(sum_length), nullptr, false));
  if (!invitation) return bad(invitation.error().message());
  if (!all_match(*invitation)) return bad("holds something that is not what it should be");
  return invitation;
}

Result<void> check_join_string(const model::Cluster& wanted, std::int64_t now) {
  constexpr const char* another = "loamctl cluster join-string on a node of its control plane makes one";
  if (!wanted.join_string)
    return fail(std::format("cluster.join_string: this node is to join the cluster {} and has no join string",
                            wanted.name.str()),
                another);
  LOAM_TRY(const auto invitation, parse_join_string(wanted.join_string->str()));
  if (invitation.cluster != wanted.name.str())
    return fail(std::format("cluster.join_string: it is for the cluster {}, and cluster.name is {}", invitation.cluster,
                            wanted.name.str()),
                another);
  const bool worker = wanted.role == model::NodeRole::worker;
  if (worker != (invitation.role == model::NodeRole::worker))
    return fail(std::format("cluster.join_string: it is for a {}, and cluster.role is {}",
                            model::enum_name(invitation.role), model::enum_name(wanted.role)),
                another);
  if (invitation.until <= now)
    return fail(std::format("cluster.join_string: its time was over {} ago by this node's clock",
                            format_seconds(static_cast<std::uint64_t>(now - invitation.until))),
                std::format("{}; if it is fresh, the clock is wrong: timedatectl shows it", another));
  return {};
}

std::string bootstrap_token(std::string_view random) {
  constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz012345";  // 32 of the 36: no bias
  std::string token;
  for (const auto byte : random) {
    if (token.size() == 6) token += '.';
    token += alphabet[static_cast<unsigned char>(byte) % alphabet.size()];
  }
  return token;
}

}  // namespace loam::cluster
