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

UkiPieces pieces_of(const UkiSection& section, std::span<const RootCopy> in_root) {
  UkiPieces pieces;
  const auto end = section.offset + section.bytes;
  auto at = section.offset;
  const auto fetch_until = [&](std::uint64_t next) {
    if (next > at) pieces.fetched.push_back({.offset = at, .bytes = next - at});
  };
  for (const auto& copy : in_root) {
    const auto first = std::max(copy.offset, at);
    const auto last = std::min(copy.offset + copy.bytes, end);
    if (first >= last) continue;
    fetch_until(first);
    pieces.copied.push_back({.offset = first, .root = copy.root + (first - copy.offset), .bytes = last - first});
    at = last;
  }
  fetch_until(end);
  return pieces;
}

std::uint64_t UkiSeeds::missing(const Manifest& manifest) const {
  std::uint64_t bytes = 0;
  for (const auto& section : manifest.uki)
    if (find(section) == nullptr)
      for (const auto& part : pieces_of(section, manifest.uki_in_root).fetched) bytes += part.bytes;
  return bytes;
}

namespace {

Result<void> copy_bytes(const Place& from, std::uint64_t bytes, std::uint64_t to_offset, int to) {
  constexpr std::uint64_t piece_bytes = 1U << 20U;
  LOAM_TRY(const auto in, open_file(from.path, O_RDONLY));
  std::vector<std::byte> piece(std::min(piece_bytes, bytes));
  for (std::uint64_t done = 0; done < bytes;) {
    const auto some = std::span(piece).first(std::min<std::uint64_t>(piece.size(), bytes - done));
    LOAM_CHECK(read_exact(in.get(), some, from.offset + done));
    LOAM_CHECK(write_exact(to, some, to_offset + done));
    done += some.size();
  }
  return {};
}

// Neighbours as one.
void want(std::vector<Extent>& wanted, const Extent& part) {
  if (!wanted.empty() && wanted.back().offset + wanted.back().bytes == part.offset) {
    wanted.back().bytes += part.bytes;
  } else {
    wanted.push_back(part);
  }
}

// What is here goes to the file; the rest is said.
Result<std::vector<Extent>> copy_local(const Manifest& manifest, const UkiSeeds& seeds, const Place& root, int to) {
  std::vector<Extent> wanted;
  for (const auto& section : manifest.uki) {
    if (const auto* const seed = seeds.find(section)) {
      LOAM_CHECK(copy_bytes({.path = seed->file, .offset = seed->offset}, section.bytes, section.offset, to));
      continue;
    }
    const auto pieces = pieces_of(section, manifest.uki_in_root);
    for (const auto& copy : pieces.copied)
      LOAM_CHECK(copy_bytes({.path = root.path, .offset = root.offset + copy.root}, copy.bytes, copy.offset, to));
    for (const auto& part : pieces.fetched) want(wanted, part);
  }
  return wanted;
}

}  // namespace

namespace {

struct UkiFile {
  std::string name;
  ReleaseFile file;
  int fd;
};

Result<void> fetch_parts(const UkiFile& uki, const std::vector<Extent>& wanted, Source& source,
                         const std::function<void(std::uint64_t fetched)>& progress) {
  std::uint64_t fetched = 0;
  return source.parts(uki.name, uki.file.size, wanted, [&](std::uint64_t offset, std::span<const std::byte> bytes) {
    progress(fetched += bytes.size());
    return write_exact(uki.fd, bytes, offset);
  });
}

}  // namespace

Result<void> fetch_uki(const Manifest& manifest, const UkiSeeds& seeds, const Place& root, Source& source,
                       const fs::path& to, const std::function<void(std::uint64_t fetched)>& progress) {
  LOAM_TRY(const auto out, open_file(to, O_RDWR | O_CREAT | O_TRUNC, 0600));
  const UkiFile uki{
      .name = std::format("loam-{}.efi", manifest.version), .file = manifest.files.at("efi"), .fd = out.get()};
  const Extent whole{.offset = 0, .bytes = uki.file.size};
  auto wanted = copy_local(manifest, seeds, root, out.get());
  // What cannot be read here comes from there, and so does all of it if what is here was not what was thought.
  LOAM_CHECK(fetch_parts(uki, wanted.value_or(std::vector{whole}), source, progress));
  LOAM_TRY(auto digest, sha256_file(to));
  const bool all_came = !wanted || (wanted->size() == 1 && wanted->front().bytes == whole.bytes);
  if (digest != uki.file.sha256 && !all_came) {
    LOAM_CHECK(fetch_parts(uki, {whole}, source, progress));
    LOAM_TRY(digest, sha256_file(to));
  }
  if (digest == uki.file.sha256) return {};
  return fail(std::format("{}: its SHA-256 is {}, {} was expected; it is not used", uki.name, digest, uki.file.sha256),
              "what is served is damaged, or another release");
}

}  // namespace loam::slots
