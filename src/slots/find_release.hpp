// The release that somebody offers: at a URL, in a directory or on a stick, with its signature checked.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "slots/http_source.hpp"
#include "slots/signed_release.hpp"
#include "slots/source.hpp"

namespace loam::slots {

struct OfferedRelease {
  std::unique_ptr<Source> source;
  Manifest manifest;
  Signer signer;
  std::string manifest_text;   // as it was signed
  std::string signature_text;  // PEM
  bool named = true;           // false: "latest" was asked for it
  // "loam-1.2.3.root"
  std::string file(std::string_view suffix) const;
};

// where: the URL or path of a manifest, or of a directory. A directory on a server, or one with several releases, has
// a file "latest" with the name of the manifest.
Result<OfferedRelease> find_release(const std::string& where, const Trust& trust, const HttpOptions& options);

// The name in a file "latest"; one that leads elsewhere is refused.
Result<std::string> parse_latest(std::string_view text);

// Bytes that such a file may have.
inline constexpr std::size_t max_latest_bytes = 256;

}  // namespace loam::slots
