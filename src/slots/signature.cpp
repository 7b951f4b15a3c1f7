#include "slots/signature.hpp"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <format>
#include <memory>
#include <optional>
#include <span>

#include "base/file.hpp"
#include "base/text.hpp"
#include "slots/pem.hpp"
#include "slots/sha256.hpp"

namespace loam::slots {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view signature_label = "LOAM SIGNATURE";
constexpr std::string_view certificate_label = "CERTIFICATE";
constexpr std::size_t max_certificates = 8;
constexpr std::size_t max_trust_bytes = 1U << 20U;
constexpr std::string_view not_ours =
    "install only releases that were signed for this site; loamctl release verify tells more";

using Sha384 = std::array<unsigned char, 48>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

Error tls_error(std::string_view what, int code) {
  std::array<char, 200> text{};
  mbedtls_strerror(code, text.data(), text.size());
  return Error(std::format("{}: {}", what, text.data()));
}

struct Chain {
  Chain() { mbedtls_x509_crt_init(&first); }
  ~Chain() { mbedtls_x509_crt_free(&first); }
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  Result<void> add(std::span<const std::byte> der) {
    const int problem =
        mbedtls_x509_crt_parse_der(&first, reinterpret_cast<const unsigned char*>(der.data()), der.size());
    if (problem != 0) return std::unexpected(tls_error("certificate", problem));
    const auto* last = &first;
    while (last->next != nullptr) last = last->next;
    if (last->raw.len != der.size()) return fail("certificate: there is something behind it");
    return {};
  }

  mbedtls_x509_crt first{};
};

Result<Sha384> sha384(std::string_view data) {
  Sha384 digest{};
  const int problem =
      mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA384), bytes_of(data), data.size(), digest.data());
  if (problem != 0) return std::unexpected(tls_error("SHA-384", problem));
  return digest;
}

std::string key_digest(const mbedtls_x509_crt& certificate) {
  const std::span key(reinterpret_cast<const std::byte*>(certificate.pk_raw.p), certificate.pk_raw.len);
  return to_hex(SaltedSha256({})(key));
}

std::string subject(const mbedtls_x509_crt& certificate) {
  std::array<char, 256> text{};
  mbedtls_x509_dn_gets(text.data(), text.size(), &certificate.subject);
  return printable(text.data());
}

// The extension must be there: mbedTLS takes a certificate without it, and one for any purpose, as good for each.
bool for_code_signing(const mbedtls_x509_crt& certificate) {
  constexpr std::string_view oid(MBEDTLS_OID_CODE_SIGNING, sizeof(MBEDTLS_OID_CODE_SIGNING) - 1);
  if (mbedtls_x509_crt_has_ext_type(&certificate, MBEDTLS_X509_EXT_EXTENDED_KEY_USAGE) == 0) return false;
  for (const auto* one = &certificate.ext_key_usage; one != nullptr; one = one->next)
    if (std::string_view(reinterpret_cast<const char*>(one->buf.p), one->buf.len) == oid) return true;
  return false;
}

struct SignatureFile {
  std::vector<std::byte> signature;
  std::vector<PemBlock> certificates;  // the signer's first
};

Result<SignatureFile> parse_file(std::string_view text) {
  if (text.size() > max_signature_bytes)
    return fail(std::format("{} bytes, at most {} are read", text.size(), max_signature_bytes));
  LOAM_TRY(auto blocks, parse_pem(text));
  if (blocks.front().label != signature_label)
    return fail(std::format(R"(a block "{}" was expected first, found "{}")", signature_label,
                            printable(blocks.front().label)));
  SignatureFile file{.signature = std::move(blocks.front().data), .certificates = {}};
  blocks.erase(blocks.begin());
  if (blocks.empty() || blocks.size() > max_certificates)
    return fail(std::format("1 to {} certificates were expected, found {}", max_certificates, blocks.size()));
  for (const auto& block : blocks)
    if (block.label != certificate_label)
      return fail(std::format("a certificate was expected, found \"{}\"", printable(block.label)));
  file.certificates = std::move(blocks);
  return file;
}

struct Way {
  const Trust* trust;
  std::string revoked;  // subject of the first certificate whose key is
};

// Called by mbedTLS for each certificate from the authority down. It has looked at the clock, which decides nothing
// here.
int look_at_one(void* context, mbedtls_x509_crt* certificate, int /*depth*/, std::uint32_t* flags) {
  constexpr std::uint32_t clock = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE;
  auto& way = *static_cast<Way*>(context);
  *flags &= ~clock;
  if (way.trust->revoked.contains(key_digest(*certificate))) {
    *flags |= MBEDTLS_X509_BADCERT_REVOKED;
    if (way.revoked.empty()) way.revoked = subject(*certificate);
  }
  return 0;
}

std::string reasons(std::uint32_t flags) {
  std::array<char, 1024> text{};
  mbedtls_x509_crt_verify_info(text.data(), text.size(), "", flags);
  std::vector<std::string> lines;
  for (const auto line : split(trim(text.data()), '\n')) lines.emplace_back(line);
  return join(lines, "; ");
}

Result<void> check_chain(Chain& chain, const Trust& trust) {
  Chain authorities;
  for (const auto& one : trust.authorities) LOAM_CHECK(authorities.add(one));
  Way way{.trust = &trust, .revoked = {}};
  std::uint32_t flags = 0;
  const int problem = mbedtls_x509_crt_verify_with_profile(
      &chain.first, &authorities.first, nullptr, &mbedtls_x509_crt_profile_suiteb, nullptr, &flags, look_at_one, &way);
  const auto signer = subject(chain.first);
  if (!way.revoked.empty())
    return fail(std::format("the key of \"{}\" is revoked", way.revoked), std::string(not_ours));
  if (problem != 0 || flags != 0)
    return fail(std::format("\"{}\" does not lead to an authority of this image: {}", signer, reasons(flags)),
                std::string(not_ours));
  if (!for_code_signing(chain.first))
    return fail(std::format("the certificate of \"{}\" is not for code signing", signer), std::string(not_ours));
  return {};
}

Result<void> check_signature(mbedtls_x509_crt& signer, std::string_view manifest,
                             const std::vector<std::byte>& signature) {
  const auto* const pair = mbedtls_pk_can_do(&signer.pk, MBEDTLS_PK_ECDSA) != 0 ? mbedtls_pk_ec(signer.pk) : nullptr;
  if (pair == nullptr || mbedtls_ecp_keypair_get_group_id(pair) != MBEDTLS_ECP_DP_SECP384R1)
    return fail(std::format("the key of \"{}\" is not ECDSA P-384", subject(signer)));
  LOAM_TRY(const auto digest, sha384(manifest));
  const int problem = mbedtls_pk_verify(&signer.pk, MBEDTLS_MD_SHA384, digest.data(), digest.size(),
                                        reinterpret_cast<const unsigned char*>(signature.data()), signature.size());
  if (problem == 0) return {};
  return fail(std::format("the signature of \"{}\" is not over this manifest", subject(signer)),
              "the manifest was changed after it was signed, or belongs to another release; get the release again");
}

}  // namespace

Result<std::set<std::string>> parse_revoked(std::string_view text) {
  std::set<std::string> keys;
  for (const auto raw : split(text, '\n')) {
    const auto line = trim(raw.substr(0, raw.find('#')));
    if (line.empty()) continue;
    LOAM_CHECK(from_hex(line));
    if (line.size() != 64) return fail(std::format("\"{}\" is no SHA-256 digest of a key", printable(line, 80)));
    keys.insert(lower(std::string(line)));
  }
  return keys;
}

Result<Trust> load_trust(const fs::path& directory) {
  Trust trust;
  std::error_code problem;
  for (auto entry = fs::directory_iterator(directory, problem); entry != fs::directory_iterator();
       entry.increment(problem)) {
    if (entry->path().extension() != ".pem") continue;
    LOAM_TRY(const auto text, read_file(entry->path(), max_trust_bytes));
    auto blocks = parse_pem(text);
    if (!blocks) return std::unexpected(std::move(blocks).error().context(entry->path().string()));
    for (auto& block : *blocks)
      if (block.label == certificate_label) trust.authorities.push_back(std::move(block.data));
  }
  if (problem) return fail_errno(directory.string(), problem.value());
  LOAM_TRY(const auto revoked, read_if_there(directory / "revoked", max_trust_bytes));
  if (revoked) {
    LOAM_TRY(trust.revoked, parse_revoked(*revoked));
  }
  return trust;
}

Result<Signer> verify_signature(std::string_view manifest, std::string_view signature, const Trust& trust) {
  if (trust.authorities.empty())
    return fail("no authority is trusted, so no release is", "put its certificate (*.pem) into the trust directory");
  auto file = parse_file(signature);
  if (!file) return std::unexpected(std::move(file).error().context("signature"));
  Chain chain;
  for (const auto& block : file->certificates) LOAM_CHECK(chain.add(block.data));
  LOAM_CHECK(check_chain(chain, trust));
  LOAM_CHECK(check_signature(chain.first, manifest, file->signature));
  return Signer{.name = subject(chain.first), .key = key_digest(chain.first)};
}

namespace {

struct Random {
  Random() {
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&generator);
  }
  ~Random() {
    mbedtls_ctr_drbg_free(&generator);
    mbedtls_entropy_free(&entropy);
  }
  Random(const Random&) = delete;
  Random& operator=(const Random&) = delete;
  int seed() { return mbedtls_ctr_drbg_seed(&generator, mbedtls_entropy_func, &entropy, nullptr, 0); }

  mbedtls_entropy_context entropy{};
  mbedtls_ctr_drbg_context generator{};
};

struct Key {
  Key() { mbedtls_pk_init(&context); }
  ~Key() { mbedtls_pk_free(&context); }
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  mbedtls_pk_context context{};
};

}  // namespace

Result<std::string> sign_manifest(std::string_view manifest, const std::string& key_text, std::string_view chain) {
  Random random;
  Key key;
  if (const int problem = random.seed(); problem != 0) return std::unexpected(tls_error("random numbers", problem));
  // The length counts the zero at the end: so mbedTLS tells PEM from DER.
  if (const int problem = mbedtls_pk_parse_key(&key.context, bytes_of(key_text), key_text.size() + 1, nullptr, 0,
                                               mbedtls_ctr_drbg_random, &random.generator);
      problem != 0)
    return std::unexpected(tls_error("private key", problem).remedy("it must be PEM, without a pass phrase"));
  LOAM_TRY(const auto digest, sha384(manifest));
  std::array<unsigned char, MBEDTLS_PK_SIGNATURE_MAX_SIZE> der{};
  std::size_t length = 0;
  if (const int problem = mbedtls_pk_sign(&key.context, MBEDTLS_MD_SHA384, digest.data(), digest.size(), der.data(),
                                          der.size(), &length, mbedtls_ctr_drbg_random, &random.generator);
      problem != 0)
    return std::unexpected(tls_error("signing", problem));
  return signature_file({reinterpret_cast<const char*>(der.data()), length}, chain);
}

Result<std::string> signature_file(std::string_view der, std::string_view chain) {
  LOAM_TRY(const auto certificates, parse_pem(chain));
  auto text = to_pem(signature_label, std::as_bytes(std::span(der)));
  for (const auto& block : certificates) {
    if (block.label != certificate_label)
      return fail(std::format("chain: a certificate was expected, found \"{}\"", printable(block.label)));
    text += to_pem(certificate_label, block.data);
  }
  LOAM_CHECK(parse_file(text));
  return text;
}

}  // namespace loam::slots
