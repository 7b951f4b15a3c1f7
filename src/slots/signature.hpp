// Who made a release: a detached signature over the bytes of its manifest, with the certificates up to an authority
// that the image carries. The file is PEM: one "LOAM SIGNATURE" (ECDSA P-384 over SHA-384, DER as in RFC 3279), then
// the signer's certificate, then those above it. docs/releases.md says how to check it with openssl.
//
// No clock is asked: a server's may be wrong by decades. Keys end by being revoked, releases by the version floor.
#pragma once

#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace loam::slots {

// Bytes that a signature file may have.
inline constexpr std::size_t max_signature_bytes = 64U << 10U;

struct Trust {
  std::vector<std::vector<std::byte>> authorities;  // certificates, DER
  std::set<std::string> revoked;                    // SHA-256 of public keys (SubjectPublicKeyInfo, DER), hexadecimal
};

// A directory of authorities (*.pem) and, if there is one, the file "revoked": a key's digest a line, # for remarks.
Result<Trust> load_trust(const std::filesystem::path& directory);

// The lines of such a file.
Result<std::set<std::string>> parse_revoked(std::string_view text);

struct Signer {
  std::string name;  // the certificate's subject
  std::string key;   // SHA-256 of its public key
};

// Good if the signer's certificate is for code signing, leads to one of the authorities, and no key on that way is
// revoked.
Result<Signer> verify_signature(std::string_view manifest, std::string_view signature, const Trust& trust);

// key, chain: PEM; the first certificate of the chain is the key's. What is made is verified with `trust` by the
// caller.
Result<std::string> sign_manifest(std::string_view manifest, const std::string& key, std::string_view chain);

// The file out of a signature that was made elsewhere, as by a hardware module. der: as openssl dgst -sign writes it.
Result<std::string> signature_file(std::string_view der, std::string_view chain);

}  // namespace loam::slots
