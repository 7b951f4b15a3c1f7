#include "cluster/kubeconfig.hpp"

#include <format>

#include "base/base64.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "model/yaml_node.hpp"

namespace loam::cluster {

using model::YamlNode;

namespace {

constexpr std::size_t longest_file = 1U << 20U;

std::string scalar(const YamlNode& mapping, std::string_view key) {
  const auto* const found = mapping.find(key);
  return found != nullptr && found->kind == YamlNode::Kind::scalar ? found->text : "";
}

// clusters: [{name: rack, cluster: {...}}]: what stands under `inner` of the entry with this name.
Result<const YamlNode*> named(const YamlNode& root, std::string_view list, std::string_view inner,
                              std::string_view name) {
  if (const auto* const all = root.find(list))
    for (const auto& one : all->items)
      if (scalar(one, "name") == name)
        if (const auto* const found = one.find(inner)) return found;
  return fail(std::format("it has no {} \"{}\"", inner, printable(name, 60)));
}

// KEY-data holds it, or KEY names its file. mark: what must be in it.
Result<std::string> pem(const YamlNode& mapping, const std::string& key, std::string_view mark, const ReadNamed& read) {
  const auto take = [&]() -> Result<std::string> {
    if (const auto data = scalar(mapping, key + "-data"); !data.empty()) return from_base64(data);
    if (const auto path = scalar(mapping, key); !path.empty()) return read(path);
    return fail("it is not there", "only client certificates are supported, as kubeadm writes them");
  };
  auto text = take();
  if (!text) return std::unexpected(std::move(text).error().context(key));
  if (!text->contains(mark)) return fail(std::format("{}: there is no \"{}\" in it", key, mark));
  return text;
}

Result<Kubeconfig> from_tree(const YamlNode& root, const ReadNamed& read) {
  LOAM_TRY(const auto* const context, named(root, "contexts", "context", scalar(root, "current-context")));
  LOAM_TRY(const auto* const cluster, named(root, "clusters", "cluster", scalar(*context, "cluster")));
  LOAM_TRY(const auto* const user, named(root, "users", "user", scalar(*context, "user")));
  Kubeconfig config{.server = scalar(*cluster, "server"), .authority = {}, .certificate = {}, .key = {}};
  while (config.server.ends_with('/')) config.server.pop_back();
  if (!config.server.starts_with("https://"))
    return fail(std::format("server: {} does not begin with https://", printable(without_userinfo(config.server))));
  if (scalar(*cluster, "insecure-skip-tls-verify") == "true")
    return fail("insecure-skip-tls-verify: a server that is not verified is not used",
                "give its CA as certificate-authority-data");
  LOAM_TRY(config.authority, pem(*cluster, "certificate-authority", "-----BEGIN CERTIFICATE-----", read));
  LOAM_TRY(config.certificate, pem(*user, "client-certificate", "-----BEGIN CERTIFICATE-----", read));
  LOAM_TRY(config.key, pem(*user, "client-key", "PRIVATE KEY-----", read));
  return config;
}

}  // namespace

Result<Kubeconfig> parse_kubeconfig(std::string_view text, std::string_view name, const ReadNamed& read) {
  if (trim(text).empty()) return fail(std::format("{}: the file is empty", name));
  LOAM_TRY(const auto root, model::parse_yaml(text, name));
  auto config = from_tree(root, read);
  if (!config) return std::unexpected(std::move(config).error().context(name));
  return config;
}

Result<Kubeconfig> read_kubeconfig(const std::filesystem::path& path) {
  LOAM_TRY(const auto text, read_file(path, longest_file));
  return parse_kubeconfig(text, path.string(), [&](const std::string& named) {
    return read_file(path.parent_path() / named, longest_file);  // an absolute one replaces the folder
  });
}

}  // namespace loam::cluster
