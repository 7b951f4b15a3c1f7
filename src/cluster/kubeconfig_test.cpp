#include "cluster/kubeconfig.hpp"

#include <gtest/gtest.h>

#include <format>

#include "base/base64.hpp"
#include "base/file.hpp"
#include "testing/temp_dir.hpp"

namespace loam::cluster {
namespace {

constexpr std::string_view certificate = "-----BEGIN CERTIFICATE-----\nAA+/\n-----END CERTIFICATE-----\n";
constexpr std::string_view key = "-----BEGIN EC PRIVATE KEY-----\nhunter2\n-----END EC PRIVATE KEY-----\n";

std::string config(std::string_view cluster, std::string_view user) {
  return std::format(
      "apiVersion: v1\nkind: Config\ncurrent-context: me@rack\ncontexts:\n- name: other\n  context: {{cluster: x}}\n"
      "- name: me@rack\n  context: {{cluster: rack, user: me}}\nclusters:\n- name: rack\n  cluster: {{{}}}\n"
      "users:\n- name: me\n  user: {{{}}}\n",
      cluster, user);
}

std::string data(std::string_view name, std::string_view value) {
  return std::format("{}-data: {}", name, to_base64(value));
}

std::string good_cluster() { return "server: 'https://api.rack:6443/', " + data("certificate-authority", certificate); }

std::string good_user() { return data("client-certificate", certificate) + ", " + data("client-key", key); }

Result<Kubeconfig> parse(std::string_view cluster, std::string_view user) {
  return parse_kubeconfig(config(cluster, user), "admin.conf",
                          [](const std::string& path) { return fail(path + ": no files here"); });
}

TEST(Kubeconfig, HoldsWhatKubeadmWrites) {
  const auto read = parse(good_cluster(), good_user());
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->server, "https://api.rack:6443");
  EXPECT_EQ(read->authority, certificate);
  EXPECT_EQ(read->certificate, certificate);
  EXPECT_EQ(read->key, key);
}

// The kubelet's own certificate changes, so its kubeconfig names a file.
TEST(Kubeconfig, MayNameFiles) {
  const testing::TempDir folder;
  ASSERT_TRUE(write_file_atomic(folder / "kubelet.pem", std::string(certificate) + std::string(key)));
  const auto user = std::format("client-certificate: {0}, client-key: kubelet.pem", (folder / "kubelet.pem").string());
  ASSERT_TRUE(write_file_atomic(folder / "kubelet.conf", config(good_cluster(), user)));
  const auto read = read_kubeconfig(folder / "kubelet.conf");
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_TRUE(read->key.contains("EC PRIVATE KEY"));
  EXPECT_FALSE(read_kubeconfig(folder / "none.conf"));
}

TEST(Kubeconfig, SaysWhatIsMissing) {
  const auto said = [](std::string_view cluster, std::string_view user) {
    const auto read = parse(cluster, user);
    return read ? "it is good" : read.error().text();
  };
  EXPECT_TRUE(said("server: 'http://api.rack:6443'", good_user()).contains("does not begin with https://"));
  EXPECT_TRUE(said("server: 'https://api.rack'", good_user()).contains("certificate-authority: it is not there"));
  EXPECT_TRUE(said(good_cluster() + ", insecure-skip-tls-verify: true", good_user()).contains("not verified"));
  EXPECT_TRUE(said(good_cluster(), "token: hunter2").contains("only client certificates"));
  EXPECT_TRUE(said(good_cluster(), data("client-certificate", certificate) + ", client-key: x").contains("no files"));
  EXPECT_FALSE(said(good_cluster(), "token: hunter2").contains("hunter2"));
}

TEST(Kubeconfig, NeverQuotesTheKey) {
  const auto bad = data("client-certificate", certificate) + ", " + data("client-key", "hunter2");
  const auto read = parse(good_cluster(), bad);
  ASSERT_FALSE(read);
  EXPECT_FALSE(read.error().text().contains("hunter2"));
  EXPECT_FALSE(read.error().text().contains(to_base64("hunter2")));
}

TEST(Kubeconfig, RefusesWhatIsNone) {
  const auto none = [](const std::string& path) { return fail(path); };
  for (const auto* const text : {"", "x", "[]", "current-context: a", "contexts: 3", "\t"})
    EXPECT_FALSE(parse_kubeconfig(text, "admin.conf", none)) << text;
  auto cut = good_user();
  cut.pop_back();
  EXPECT_FALSE(parse(good_cluster(), cut));
}

}  // namespace
}  // namespace loam::cluster
