#include "slots/signed_release.hpp"

#include <format>

#include "base/file.hpp"

namespace loam::slots {

namespace fs = std::filesystem;

Result<SignedManifest> open_manifest(std::string_view manifest, std::string_view signature, const Trust& trust) {
  LOAM_TRY(auto signer, verify_signature(manifest, signature, trust));
  LOAM_TRY(auto parsed, parse_manifest(manifest));
  auto stricter = trust;
  stricter.revoked.insert(parsed.revoked.begin(), parsed.revoked.end());
  LOAM_CHECK(verify_signature(manifest, signature, stricter));
  return SignedManifest{.manifest = std::move(parsed), .signer = std::move(signer)};
}

Result<SignedRelease> open_release(const fs::path& directory, const Trust& trust) {
  LOAM_TRY(const auto path, find_manifest(directory));
  LOAM_TRY(const auto manifest, read_file(path, max_manifest_bytes));
  auto signature = read_file(path.string() + ".sig", max_signature_bytes);
  if (!signature)
    return std::unexpected(std::move(signature).error().remedy(
        "a release without a signature is not used; loamctl release sign makes it"));
  auto opened = open_manifest(manifest, *signature, trust);
  if (!opened) return std::unexpected(std::move(opened).error().context(path.string()));
  return SignedRelease{.release = Release(directory, std::move(opened->manifest)), .signer = std::move(opened->signer)};
}

}  // namespace loam::slots
