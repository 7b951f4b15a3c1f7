#include "cluster/cluster_state.hpp"

#include <openssl/sha.h>

#include <array>
#include <format>
#include <nlohmann/json.hpp>
#include <span>

#include "base/file.hpp"
#include "base/text.hpp"

namespace loam::cluster {

using nlohmann::json;

Result<ClusterFacts> read_state(const StatePaths& paths) {
  ClusterFacts facts;
  LOAM_TRY(const auto node, read_if_there(paths.node, 1U << 16U));
  if (node) {
    const auto value = json::parse(*node, nullptr, false);
    const auto word = [&](const char* name) {
      return value.contains(name) && value[name].is_string() ? value[name].get<std::string>() : "";
    };
    if (!value.is_object() || word("member_of").empty())
      return fail(paths.node.string() + " cannot be read: which cluster this node is in is not known",
                  "put it back from a support bundle, or take the node out of its cluster and install it anew");
    facts.member_of = word("member_of");
    facts.address = word("address");
    facts.network_applied = word("network_applied");
  }
  LOAM_TRY(const auto images, read_if_there(paths.images, 1U << 10U));
  if (images) facts.imported = trim(*images);
  return facts;
}

Result<void> write_state(const ClusterFacts& facts, const StatePaths& paths) {
  LOAM_TRY([[maybe_unused]] const auto images, write_file_if_changed(paths.images, facts.imported + "\n"));
  if (facts.member_of.empty()) return {};
  const json node = {
      {"member_of", facts.member_of}, {"address", facts.address}, {"network_applied", facts.network_applied}};
  LOAM_TRY([[maybe_unused]] const auto written, write_file_if_changed(paths.node, node.dump() + "\n"));
  return {};
}

// The file names each image with its digest: its own digest stands for all of them.
Result<std::optional<Carried>> read_carried(const std::filesystem::path& path) {
  LOAM_TRY(const auto text, read_if_there(path, 1U << 20U));
  if (!text) return std::nullopt;
  LOAM_TRY(auto payload, parse_payload(*text));
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text->data()), text->size(),
         digest.data());  // NOLINT: libcrypto's bytes
  return Carried{.payload = std::move(payload), .digest = to_hex(std::as_bytes(std::span(digest)))};
}

}  // namespace loam::cluster
