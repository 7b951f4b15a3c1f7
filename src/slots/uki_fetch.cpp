#include "slots/uki_fetch.hpp"

#include <fcntl.h>

#include <algorithm>
#include <format>

#include "base/file.hpp"
#include "slots/release_build.hpp"
#include "slots/sha256.hpp"

namespace loam::slots {

namespace fs = std::filesystem;

void UkiSeeds::add(const fs::path& uki) {
  const auto sections = describe_uki(uki);
  if (!sections) return;  // then there is nothing to be had from it
  for (const auto& section : *sections)
    entries_.push_back({.section = section, .place = {.file = uki, .offset = section.offset}});
}

const UkiSeeds::Place* UkiSeeds::find(const UkiSection& wanted) const {
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
    return entry.section.sha256 == wanted.sha256 && entry.section.bytes == wanted.bytes;
  });
  return found == entries_.end() ? nullptr : &found->place;
}

std::uint64_t UkiSeeds::missing(const Manifest& manifest) const {
  std::uint64_t bytes = 0;
  for (const auto& section : manifest.uki)
    if (find(section) == nullptr) bytes += section.bytes;
  return bytes;
}

namespace {

Result<void> copy_section(const UkiSeeds::Place& from, const UkiSection& section, const UniqueFd& to) {
  constexpr std::uint64_t piece_bytes = 1U << 20U;
  LOAM_TRY(const auto in, open_file(from.file, O_RDONLY));
  std::vector<std::byte> piece(piece_bytes);
  for (std::uint64_t done = 0; done < section.bytes;) {
    const auto some = std::span(piece).first(std::min(piece_bytes, section.bytes - done));
    LOAM_CHECK(read_exact(in.get(), some, from.offset + done));
    LOAM_CHECK(write_exact(to.get(), some, section.offset + done));
    done += some.size();
  }
  return {};
}

// Neighbours as one.
void want(std::vector<Extent>& wanted, const UkiSection& section) {
  if (!wanted.empty() && wanted.back().offset + wanted.back().bytes == section.offset) {
    wanted.back().bytes += section.bytes;
  } else {
    wanted.push_back({.offset = section.offset, .bytes = section.bytes});
  }
}

}  // namespace

Result<void> fetch_uki(const Manifest& manifest, const UkiSeeds& seeds, Source& source, const fs::path& to,
                       const std::function<void(std::uint64_t fetched)>& progress) {
  LOAM_TRY(const auto out, open_file(to, O_RDWR | O_CREAT | O_TRUNC, 0600));
  std::vector<Extent> wanted;
  for (const auto& section : manifest.uki) {
    const auto* const seed = seeds.find(section);
    if (seed == nullptr)
      want(wanted, section);
    else
      LOAM_CHECK(copy_section(*seed, section, out));
  }
  const auto& file = manifest.files.at("efi");
  const auto name = std::format("loam-{}.efi", manifest.version);
  std::uint64_t fetched = 0;
  LOAM_CHECK(source.parts(name, file.size, wanted, [&](std::uint64_t offset, std::span<const std::byte> bytes) {
    progress(fetched += bytes.size());
    return write_exact(out.get(), bytes, offset);
  }));
  LOAM_TRY(const auto digest, sha256_file(to));
  if (digest == file.sha256) return {};
  return fail(std::format("{}: its SHA-256 is {}, {} was expected; it is not used", name, digest, file.sha256),
              "what is served is damaged, or another release");
}

}  // namespace loam::slots
