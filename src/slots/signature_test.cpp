// With certificates as openssl makes them, and signatures as openssl checks them.
#include "slots/signature.hpp"

#include <gtest/gtest.h>

#include <format>

#include "base/file.hpp"
#include "base/text.hpp"
#include "slots/pem.hpp"
#include "sys/subprocess.hpp"
#include "testing/temp_dir.hpp"

namespace loam::slots {
namespace {

using testing::TempDir;

constexpr std::string_view manifest = R"({"format": 1, "version": "1.2.0"})";

class Signature : public ::testing::Test {
 protected:
  // An authority, one below it, and a signer of that one, whose certificate has these extensions.
  void SetUp() override { make_chain("", "digitalSignature", "codeSigning", "P-384"); }

  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }

  std::string text(const std::string& name) const { return read_file(path(name)).value(); }

  std::string openssl(std::vector<std::string> argv) const {
    argv.insert(argv.begin(), "openssl");
    auto done = sys::run(argv, {.timeout = std::chrono::seconds(60), .input = {}, .environment = {}});
    EXPECT_TRUE(done) << (done ? "" : done.error().text());
    return done ? done->out : "";
  }

  void make_key(const std::string& name, const std::string& curve = "P-384") const {
    openssl({"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:" + curve, "-out", path(name + ".key")});
  }

  void make_authority(const std::string& name) const {
    make_key(name);
    openssl({"req", "-x509", "-new", "-key", path(name + ".key"), "-sha384", "-days", "3650", "-subj", "/CN=" + name,
             "-addext", "basicConstraints=critical,CA:TRUE", "-out", path(name + ".pem")});
  }

  void make_certificate(const std::string& name, const std::string& issuer, const std::vector<std::string>& extensions,
                        const std::vector<std::string>& dates = {"-days", "365"},
                        const std::string& curve = "P-384") const {
    make_key(name, curve);
    std::vector<std::string> argv = {"req",
                                     "-x509",
                                     "-new",
                                     "-key",
                                     path(name + ".key"),
                                     "-sha384",
                                     "-subj",
                                     "/CN=" + name,
                                     "-CA",
                                     path(issuer + ".pem"),
                                     "-CAkey",
                                     path(issuer + ".key"),
                                     "-out",
                                     path(name + ".pem")};
    argv.insert(argv.end(), dates.begin(), dates.end());
    for (const auto& extension : extensions) argv.insert(argv.end(), {"-addext", extension});
    openssl(argv);
  }

  void make_chain(const std::string& prefix, const std::string& usage, const std::string& purpose,
                  const std::string& curve) const {
    make_authority(prefix + "root");
    make_certificate(prefix + "middle", prefix + "root", {"basicConstraints=critical,CA:TRUE"});
    std::vector<std::string> extensions = {"basicConstraints=critical,CA:FALSE", "keyUsage=critical," + usage};
    if (!purpose.empty()) extensions.push_back("extendedKeyUsage=" + purpose);
    make_certificate(prefix + "signer", prefix + "middle", extensions, {"-days", "365"}, curve);
  }

  std::string sign(const std::string& prefix = {}) const {
    auto made =
        sign_manifest(manifest, text(prefix + "signer.key"), text(prefix + "signer.pem") + text(prefix + "middle.pem"));
    EXPECT_TRUE(made) << (made ? "" : made.error().text());
    return made.value_or("");
  }

  Trust trust(const std::string& name = "root") const { return {{parse_pem(text(name + ".pem"))->front().data}, {}}; }

  std::string refusal(std::string_view signature, const Trust& trusted, std::string_view of = manifest) const {
    const auto signer = verify_signature(of, signature, trusted);
    return signer ? "good" : signer.error().message();
  }

  std::string key_of(const std::string& name) const {
    openssl({"x509", "-in", path(name + ".pem"), "-pubkey", "-noout", "-out", path("pub.pem")});
    openssl({"pkey", "-pubin", "-in", path("pub.pem"), "-outform", "DER", "-out", path("pub.der")});
    return openssl({"dgst", "-sha256", "-r", path("pub.der")}).substr(0, 64);
  }

  TempDir folder_;
};

TEST_F(Signature, LeadsToAnAuthority) {
  const auto signer = verify_signature(manifest, sign(), trust());
  ASSERT_TRUE(signer) << signer.error().text();
  EXPECT_EQ(signer->name, "CN=signer");
  EXPECT_EQ(signer->key, key_of("signer"));
}

TEST_F(Signature, OpensslAgrees) {
  ASSERT_TRUE(write_file_atomic(path("sig"), sign()));
  ASSERT_TRUE(write_file_atomic(path("json"), manifest));
  const auto blocks = parse_pem(text("sig"));
  const auto& der = blocks->front().data;
  ASSERT_TRUE(write_file_atomic(path("der"), {reinterpret_cast<const char*>(der.data()), der.size()}));
  openssl({"x509", "-in", path("sig"), "-pubkey", "-noout", "-out", path("pub.pem")});
  EXPECT_EQ(openssl({"dgst", "-sha384", "-verify", path("pub.pem"), "-signature", path("der"), path("json")}),
            "Verified OK\n");
  openssl(
      {"verify", "-purpose", "codesign", "-CAfile", path("root.pem"), "-untrusted", path("sig"), path("signer.pem")});
}

TEST_F(Signature, OneThatOpensslMadeIsGood) {
  ASSERT_TRUE(write_file_atomic(path("json"), manifest));
  openssl({"dgst", "-sha384", "-sign", path("signer.key"), "-out", path("der"), path("json")});
  const auto file = signature_file(text("der"), text("signer.pem") + text("middle.pem"));
  ASSERT_TRUE(file) << file.error().text();
  EXPECT_EQ(refusal(*file, trust()), "good");
}

TEST_F(Signature, EveryByteOfTheManifestCounts) {
  const auto signature = sign();
  for (std::size_t i = 0; i < manifest.size(); ++i) {
    std::string changed(manifest);
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_EQ(refusal(signature, trust(), changed), "the signature of \"CN=signer\" is not over this manifest");
  }
  EXPECT_NE(refusal(signature, trust(), std::string(manifest) + "\n"), "good");
  EXPECT_NE(refusal(signature, trust(), manifest.substr(1)), "good");
}

TEST_F(Signature, ADamagedOneIsRefused) {
  const auto signature = sign();
  std::string good;
  for (std::size_t i = 0; i < signature.size(); ++i) {
    auto changed = signature;
    changed[i] = static_cast<char>(changed[i] ^ 4);
    if (refusal(changed, trust()) == "good")
      good += std::format("{}: {}\n", i, changed.substr(i < 20 ? 0 : i - 20, 40));
  }
  EXPECT_EQ(good, "");
  for (std::size_t length = 0; length + 1 < signature.size(); length += 7)
    EXPECT_NE(refusal(signature.substr(0, length), trust()), "good") << length;
}

TEST_F(Signature, OfAnUnknownAuthority) {
  make_chain("other-", "digitalSignature", "codeSigning", "P-384");
  EXPECT_EQ(refusal(sign("other-"), trust()),
            "\"CN=other-signer\" does not lead to an authority of this image: The certificate is not correctly signed "
            "by the trusted CA");
  EXPECT_EQ(refusal(sign("other-"), trust("other-root")), "good");
  EXPECT_EQ(refusal(sign(), {}), "no authority is trusted, so no release is");
}

TEST_F(Signature, RotationTrustsBoth) {
  make_chain("new-", "digitalSignature", "codeSigning", "P-384");
  auto both = trust();
  both.authorities.push_back(trust("new-root").authorities.front());
  EXPECT_EQ(refusal(sign(), both), "good");
  EXPECT_EQ(refusal(sign("new-"), both), "good");
}

TEST_F(Signature, AnyKeyOnTheWayMayBeRevoked) {
  const auto signature = sign();
  for (const auto* const name : {"signer", "middle", "root"}) {
    auto trusted = trust();
    trusted.revoked.insert(key_of(name));
    EXPECT_EQ(refusal(signature, trusted), std::format("the key of \"CN={}\" is revoked", name));
  }
}

TEST_F(Signature, WrongPurpose) {
  for (const auto* const purpose : {"serverAuth", "anyExtendedKeyUsage", "emailProtection", ""}) {
    make_chain("wrong-", "digitalSignature", purpose, "P-384");
    EXPECT_EQ(refusal(sign("wrong-"), trust("wrong-root")),
              "the certificate of \"CN=wrong-signer\" is not for code signing")
        << purpose;
  }
}

TEST_F(Signature, AnAuthorityDoesNotSignReleases) {
  const auto made = sign_manifest(manifest, text("root.key"), text("root.pem"));
  EXPECT_EQ(refusal(*made, trust()), "the certificate of \"CN=root\" is not for code signing");
}

TEST_F(Signature, WhoIsNoAuthorityIssuesNothing) {
  // A signer who makes a certificate for somebody else.
  make_certificate("fake", "signer", {"basicConstraints=critical,CA:FALSE", "extendedKeyUsage=codeSigning"});
  const auto made =
      sign_manifest(manifest, text("fake.key"), text("fake.pem") + text("signer.pem") + text("middle.pem"));
  EXPECT_TRUE(refusal(*made, trust()).starts_with("\"CN=fake\" does not lead to an authority"));
}

TEST_F(Signature, OtherKeysAreRefused) {
  make_chain("small-", "digitalSignature", "codeSigning", "P-256");
  EXPECT_EQ(refusal(sign("small-"), trust("small-root")), "the key of \"CN=small-signer\" is not ECDSA P-384");
}

TEST_F(Signature, NoClockIsAsked) {
  for (const auto* const year : {"1999", "2099"}) {
    make_certificate(
        "when", "root", {"basicConstraints=critical,CA:FALSE", "extendedKeyUsage=codeSigning"},
        {"-not_before", std::format("{}0101000000Z", year), "-not_after", std::format("{}1231000000Z", year)});
    const auto made = sign_manifest(manifest, text("when.key"), text("when.pem"));
    ASSERT_TRUE(made) << made.error().text();
    EXPECT_EQ(refusal(*made, trust()), "good") << year;
  }
}

TEST_F(Signature, TrustOfADirectory) {
  std::filesystem::create_directory(path("trust"));
  ASSERT_TRUE(write_file_atomic(path("trust/a.pem"), text("root.pem")));
  ASSERT_TRUE(
      write_file_atomic(path("trust/revoked"), "# stolen in May\n" + key_of("signer") + "  # the build server\n\n"));
  const auto trusted = load_trust(path("trust"));
  ASSERT_TRUE(trusted) << trusted.error().text();
  EXPECT_EQ(trusted->authorities.size(), 1U);
  EXPECT_EQ(refusal(sign(), *trusted), "the key of \"CN=signer\" is revoked");
  EXPECT_FALSE(load_trust(path("nowhere")));
  EXPECT_FALSE(parse_revoked("abcd"));
  EXPECT_FALSE(parse_revoked(std::string(64, 'x')));
}

TEST(Pem, OnlyBlocks) {
  EXPECT_FALSE(parse_pem(""));
  EXPECT_FALSE(parse_pem("hello\n-----BEGIN A-----\nAAAA\n-----END A-----\n"));
  EXPECT_FALSE(parse_pem("-----BEGIN A-----\nAAAA\n-----END B-----\n"));
  EXPECT_FALSE(parse_pem("-----BEGIN A-----\n????\n-----END A-----\n"));
  const auto blocks =
      parse_pem("-----BEGIN A-----\nAAAA\n-----END A-----\n\n-----BEGIN B B-----\r\nAQID\r\n-----END B B-----");
  ASSERT_TRUE(blocks);
  ASSERT_EQ(blocks->size(), 2U);
  EXPECT_EQ(blocks->back().label, "B B");
  EXPECT_EQ(blocks->back().data.size(), 3U);
  for (const std::size_t bytes : {0U, 1U, 47U, 48U, 49U, 500U}) {
    const std::vector<std::byte> data(bytes, std::byte{7});
    EXPECT_EQ(parse_pem(to_pem("X", data))->front().data, data);
  }
}

}  // namespace
}  // namespace loam::slots
