// What a release says of itself: loam-<version>.json. docs/releases.md describes every member.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "slots/verity.hpp"

namespace loam::slots {

// Bytes that a manifest may have; one of more is not read.
inline constexpr std::size_t max_manifest_bytes = 1U << 20U;

struct ReleaseFile {
  std::uint64_t size = 0;
  std::string sha256;  // lower-case hexadecimal
  bool operator==(const ReleaseFile&) const = default;
};

// A section of the UKI or a frame of one, so that what a node has already is not fetched.
struct UkiSection {
  std::string name;
  std::uint64_t offset = 0;  // bytes in the file
  std::uint64_t bytes = 0;
  std::string sha256;
  bool operator==(const UkiSection&) const = default;
};

// Bytes of the UKI that the root holds too, as kernel modules: with a new root at hand they are not fetched.
struct RootCopy {
  std::uint64_t offset = 0;  // bytes in the UKI
  std::uint64_t root = 0;    // bytes in the root
  std::uint64_t bytes = 0;
  bool operator==(const RootCopy&) const = default;
};

struct Manifest {
  std::string version;
  std::string machine;               // "x86_64"
  std::string kernel;                // release of Linux
  std::string kubernetes;            // "1.34.2"; empty: it carries none
  std::vector<int> config_versions;  // of loam.yaml that it understands
  std::string upgrade_from;          // oldest version that can be upgraded to it
  std::string floor;                 // once it has proven itself nothing older is installed any more
  std::set<std::string> revoked;     // keys, as in signature.hpp
  Digest root_hash{};
  std::vector<std::byte> salt;  // of the verity tree: the same in every release, so that digests can be compared
  std::map<std::string, ReleaseFile> files;  // by suffix: "efi", "boot.efi", "root", "verity"
  std::vector<UkiSection> uki;               // the whole of "efi", in order
  std::vector<RootCopy> uki_in_root;         // in order; none overlaps another
  bool operator==(const Manifest&) const = default;
};

// Format 1; unknown members are ignored, missing ones are errors.
Result<Manifest> parse_manifest(std::string_view json);
// The same manifest gives the same text.
std::string to_json(const Manifest& manifest);

// What the machine that this runs on is called in a manifest.
inline constexpr std::string_view this_machine = "x86_64";

}  // namespace loam::slots
