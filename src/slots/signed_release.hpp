// A release that somebody whom we trust has signed. Nothing of the manifest is parsed before its signature is good.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/error.hpp"
#include "slots/release.hpp"
#include "slots/signature.hpp"

namespace loam::slots {

// Where the image has its authorities and the keys that it knows as revoked.
inline constexpr std::string_view trust_path = "/usr/lib/loam/trust";

struct SignedManifest {
  Manifest manifest;
  Signer signer;
};

// A release may revoke the key that signed it: then it is not trusted either.
Result<SignedManifest> open_manifest(std::string_view manifest, std::string_view signature, const Trust& trust);

struct SignedRelease {
  Release release;
  Signer signer;
};

// The one release in a directory.
Result<SignedRelease> open_release(const std::filesystem::path& directory, const Trust& trust);

}  // namespace loam::slots
