// A new UKI out of sections that the node's own UKIs have and those that it does not.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "slots/manifest.hpp"
#include "slots/source.hpp"
#include "slots/transfer.hpp"

namespace loam::slots {

// Where the bytes of a section are that no UKI at hand has.
struct UkiPieces {
  std::vector<RootCopy> copied;  // from the new root
  std::vector<Extent> fetched;
};
UkiPieces pieces_of(const UkiSection& section, std::span<const RootCopy> in_root);

// Sections of UKIs that are at hand. A file that is no UKI gives none.
class UkiSeeds {
 public:
  void add(const std::filesystem::path& uki);
  struct Place {
    std::filesystem::path file;
    std::uint64_t offset = 0;
  };
  // Null if no file has it.
  const Place* find(const UkiSection& section) const;
  // Bytes of a release's UKI that must be fetched when its root is there.
  std::uint64_t missing(const Manifest& manifest) const;

 private:
  struct Entry {
    UkiSection section;
    Place place;
  };
  std::vector<Entry> entries_;
};

// root: the release's, in its slot. To a new file, which is the release's byte for byte then. fetched: called with the
// bytes that came, now and then.
Result<void> fetch_uki(const Manifest& manifest, const UkiSeeds& seeds, const Place& root, Source& source,
                       const std::filesystem::path& to, const std::function<void(std::uint64_t fetched)>& progress);

}  // namespace loam::slots
